"""Pinning: the busiest threads, each to a CPU of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, os, threading, time
from fhnbench.measure.pinning import pin_busiest_threads, thread_times

def spin(stop, worked):
    while not stop.is_set():
        sum(range(1000))
        if time.thread_time() > 0.1:
            worked.release()

end = time.monotonic() + 0.6  # the main thread has worked most, but not since then
while time.monotonic() < end:
    pass
before = thread_times()
stop, worked = threading.Event(), [threading.Semaphore(0) for _ in range(2)]
idle = threading.Thread(target=stop.wait)
busy = [threading.Thread(target=spin, args=(stop, one)) for one in worked]
for thread in (idle, *busy):
    thread.start()
for one in worked:
    one.acquire()
pinned = pin_busiest_threads(2, before)
where = {name: sorted(os.sched_getaffinity(thread.native_id)) for name, thread in zip("iab", (idle, *busy))}
stop.set()
print(json.dumps([pinned, where]))
"""


@pytest.mark.skipif(sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="needs Linux and two CPUs")
def test_busy_threads_get_a_cpu_each_and_idle_ones_are_left_alone():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    pinned, where = json.loads(done.stdout)
    assert pinned
    cpus = sorted(os.sched_getaffinity(0))
    assert sorted([where["a"], where["b"]]) == [[cpus[0]], [cpus[1]]]
    assert where["i"] == cpus

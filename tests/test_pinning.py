"""Pinning: the busiest threads, each to a CPU of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from fhnbench.measure import threads

PROGRAM = """
import json, os, threading, time
from fhnbench.measure.pinning import pin_busiest_threads
from fhnbench.measure.threads import thread_times

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


def test_what_threads_have_done_is_told_but_of_those_that_have_ended(monkeypatch, tmp_path):
    for thread, times in {os.getpid(): "5 7 1\n", 12: "100 20 3\n", 13: "1000 300 9\n"}.items():
        (tmp_path / str(thread)).mkdir()
        (tmp_path / str(thread) / "schedstat").write_text(times)
    (tmp_path / "14").mkdir()
    monkeypatch.setattr(threads, "_TASKS", tmp_path)
    monkeypatch.setattr(threads.threading, "get_native_id", os.getpid)
    assert threads.thread_times()[12] == (100, 20)
    assert 14 not in threads.thread_times()
    assert threads.wanted_time_of_others() == 120 + 1300


def test_a_system_that_tells_nothing_of_threads(monkeypatch, tmp_path):
    monkeypatch.setattr(threads, "_TASKS", tmp_path / "nothing")
    assert threads.thread_times() == {}
    assert threads.wanted_time_of_others() is None

"""What machine code is made of, read by nvdisasm from what NVRTC makes."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import cuda_emulation

if TYPE_CHECKING:
    from fhnbench_cuda.compiler import Binary

INSTRUCTION = re.compile(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9]*)")
"""An instruction's name up to the first dot."""

_LABEL = re.compile(r"^(\.L\w+):")
_BRANCH = re.compile(r"\bBRA\b.*`\((\.L\w+)\)")


def listings(binary: Binary) -> dict[str, str]:
    """Return the disassembly of each kernel."""
    files = importlib.metadata.files("nvidia-cuda-nvdisasm") or []
    (tool,) = (Path(str(file.locate())) for file in files if file.name in {"nvdisasm", "nvdisasm.exe"})
    path = cuda_emulation.scratch_file("kernels.cubin")
    path.write_bytes(binary.cubin)
    text = subprocess.run([tool, "-c", path], capture_output=True, text=True, check=True).stdout
    pieces = re.split(r"^\.text\.(\w+):", text, flags=re.MULTILINE)
    by_symbol = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    return {name: by_symbol[symbol] for name, symbol in binary.symbols.items()}


def longest_loop(binary: Binary) -> Counter[str]:
    """Return the instructions of the longest loop of the only kernel: from a label to the branch back to it."""
    (text,) = listings(binary).values()
    names: list[str] = []
    labels: dict[str, int] = {}
    loops: list[list[str]] = []
    for line in text.splitlines():
        if label := _LABEL.match(line):
            labels[label[1]] = len(names)
        names += INSTRUCTION.findall(line)
        if (branch := _BRANCH.search(line)) and branch[1] in labels:
            loops.append(names[labels[branch[1]] :])
    return Counter(max(loops, key=len))

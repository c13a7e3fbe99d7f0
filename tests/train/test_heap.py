from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from edgeprune.train.heap import kept_heap

# Blocks like the activations of a step: taken one after the other, then all freed.
_STEPS = """
import ctypes, resource
import torch
from edgeprune.train.heap import kept_heap

# Pages of 4 KiB, whatever the machine is set to: faults are what is counted.
ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)

def step():
    return sum(float(block[0]) for block in [torch.ones(1 << 20) for _ in range(40)])

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

step()
outside = faults()
with kept_heap():
    step()
    inside = faults()
held = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
print(outside, inside, held)
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc's allocator")


def _faults(**environment: str) -> tuple[int, int, int]:
    done = subprocess.run(
        [sys.executable, "-c", _STEPS], capture_output=True, encoding="utf-8", check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip
    outside, inside, held = map(int, done.stdout.split())
    return outside, inside, held


@glibc
def test_a_step_finds_the_memory_of_the_one_before() -> None:
    outside, inside, _ = _faults()
    assert outside > 1000
    assert inside < outside / 20


@glibc
def test_the_memory_is_given_back() -> None:
    activations = 40 * (4 << 20)
    _, _, held = _faults()
    _, _, with_them = _faults(
        MALLOC_TRIM_THRESHOLD_="2000000000", MALLOC_MMAP_THRESHOLD_="33554432"
    )
    assert with_them - held > activations / 2


@glibc
@pytest.mark.parametrize(
    "said", [{"MALLOC_TRIM_THRESHOLD_": "1000000"}, {"GLIBC_TUNABLES": "glibc.malloc.top_pad=0"}]
)
def test_what_the_environment_says_stands(said: dict[str, str]) -> None:
    outside, inside, _ = _faults(**said)
    assert inside > outside / 2


def test_other_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeprune.train.heap.ctypes.CDLL", lambda _: object())
    with kept_heap():
        pass

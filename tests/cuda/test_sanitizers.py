"""The kernels and the host side under ASan and UBSan."""

from __future__ import annotations

from sparse_harness.sanitized import run_sanitized


def test_memory_is_used_as_it_should() -> None:
    done = run_sanitized(12)
    assert (done.returncode, done.stdout) == (0, "12 cases are right\n"), done.stderr[-3000:]

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from edgeprune.scratch import scratch_beside

_HOLDER = """
import sys, time
from pathlib import Path
from edgeprune.scratch import scratch_beside
with scratch_beside(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print(folder.name, flush=True)
    time.sleep(60)
"""


def _entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_what_is_renamed_stays_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with scratch_beside(path) as folder:
        (folder / "notes").write_text("aside")
        (folder / path.name).write_text("whole")
        (folder / path.name).replace(path)
    assert _entries(tmp_path) == ["m.onnx"]


def test_the_next_removes_what_a_killed_process_left_and_not_what_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    command = [sys.executable, "-c", _HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as holder:
        assert holder.stdout is not None
        name = holder.stdout.readline().strip()
        with scratch_beside(path):
            assert (tmp_path / name / "half").exists()
        holder.send_signal(signal.SIGKILL)
    assert _entries(tmp_path) == [name]
    with scratch_beside(tmp_path / "other.onnx"):
        assert name not in _entries(tmp_path)
    assert _entries(tmp_path) == []

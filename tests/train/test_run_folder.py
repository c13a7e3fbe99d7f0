from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from edgeprune.errors import CorruptFileError, RunBusyError, UserInputError
from edgeprune.recipe import default_settings
from edgeprune.train.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.create()
    return made


def test_state_comes_back_as_saved(folder: RunFolder) -> None:
    folder.save("stage", {"epoch": 3, "weights": {"a": torch.arange(4)}})
    held = folder.load("stage")
    assert held is not None
    assert held["epoch"] == 3
    assert torch.equal(held["weights"]["a"], torch.arange(4))
    folder.discard("stage")
    assert folder.load("stage") is None


def test_a_second_process_is_told_who_is_there(folder: RunFolder) -> None:
    code = (
        "import sys; from edgeprune.train.run_folder import RunFolder\n"
        f"with RunFolder({str(folder.path)!r}).locked():\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunBusyError, match=f"process {holder.pid}"), folder.locked():
            pass
        holder.kill()
    with folder.locked():
        pass


def test_another_run_in_the_same_folder_is_refused(folder: RunFolder) -> None:
    folder.claim({"method": "sp_sad", "epochs": 5})
    folder.claim({"method": "sp_sad", "epochs": 5})
    with pytest.raises(UserInputError, match=r"epochs = 5, asked is 6"):
        folder.claim({"method": "sp_sad", "epochs": 6})


def test_a_setting_that_is_newer_than_the_folder_had_its_default(folder: RunFolder) -> None:
    folder.claim({"epochs": 5})
    folder.claim({"epochs": 5, "layers": ()}, defaults=default_settings())
    with pytest.raises(UserInputError, match=r"layers = \[\], asked is \['conv1'\]"):
        folder.claim({"epochs": 5, "layers": ("conv1",)}, defaults=default_settings())


@pytest.mark.parametrize("content", [b"", b"foreign", b"PK\x03\x04 truncated"])
def test_a_damaged_state_is_one_clear_line(folder: RunFolder, content: bytes) -> None:
    (folder.state / "stage.pt").write_bytes(content)
    with pytest.raises(CorruptFileError, match="damaged"):
        folder.load("stage")


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(UserInputError, match="a file is in the way"):
        RunFolder(tmp_path / "run").create()


def test_leftovers_of_a_killed_writer_go(folder: RunFolder) -> None:
    (folder.state / ".stage.pt.abc.tmp").write_bytes(b"half")
    folder.remove_leftovers()
    assert list(folder.state.glob(".*")) == []


def test_a_run_that_trained_nothing_gives_way(folder: RunFolder) -> None:
    result = folder.path / "report.json"
    folder.claim({"epochs": 5}, result)
    folder.claim({"epochs": 6}, result)
    folder.save("stage", {"epoch": 1})
    with pytest.raises(UserInputError, match=r"epochs = 6, asked is 7"):
        folder.claim({"epochs": 7}, result)
    folder.discard("stage")
    result.touch()
    with pytest.raises(UserInputError, match=r"epochs = 6, asked is 7"):
        folder.claim({"epochs": 7}, result)

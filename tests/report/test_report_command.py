"""`edgeprune report` as a user runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeprune.cli.main import run


def _call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        run(["report", *map(str, arguments)])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_one_run_prints_its_table_and_renders_its_page(
    write_run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("COLUMNS", "80")
    folder = write_run(tmp_path / "a")
    assert _call(folder) == 0
    out, err = capsys.readouterr()
    for words in ("dense student", "281,314", "control: random-mask", "69.60 %", "Size"):
        assert words in out
    assert max(map(len, out.splitlines())) <= 80
    assert err.strip() == str(folder / "report.html")
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_json_is_the_report_alone_on_stdout(
    write_run: Any, make_report: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path / "a")
    assert _call(folder, "--json") == 0
    assert json.loads(capsys.readouterr().out) == make_report().as_dict()


def test_several_runs_are_compared(
    write_run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [write_run(tmp_path / name) for name in ("a", "b")]
    assert _call(*folders) == 0
    assert "minus first" in capsys.readouterr().out
    assert _call(*folders, "--json", "--html", tmp_path / "c.html") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["runs"][1]["difference_points"]["difference"] == 0.0
    assert "2 runs compared" in (tmp_path / "c.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_unusable_runs_are_one_line_and_exit_2(
    as_json: list[str], write_run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_run(tmp_path / "good")
    foreign = write_run(tmp_path / "foreign")
    (foreign / "report.json").write_text('{"loss": 1}')
    torn = write_run(tmp_path / "torn")
    (torn / "test_predictions.npz").write_bytes(b"PK\x03\x04")
    empty = tmp_path / "empty"
    empty.mkdir()
    for bad in (foreign, torn, empty, tmp_path / "absent"):
        for arguments in ([bad], [good, bad]):
            assert _call(*arguments, *as_json) == 2
            out, err = capsys.readouterr()
            assert out == ""
            assert err.count("\n") == 1
            assert bad.name in err
    assert _call() == 2


def test_a_page_that_cannot_be_written_keeps_the_table(
    write_run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = write_run(tmp_path / "a")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert _call(folder) == 0
    out, err = capsys.readouterr()
    assert "281,314" in out
    assert "pip install 'edgeprune[report]'" in err
    assert not (folder / "report.html").exists()
    assert _call(folder, "--html", tmp_path / "asked.html") == 5

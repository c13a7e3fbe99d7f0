"""The files behind a data specification."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeprune.data.behind import state_behind


@pytest.mark.parametrize(
    "words", ["", ":rating", "+features", ":ranking@20+features", ":all", "@2013", ":all@2013"]
)
def test_words_after_a_path_are_none_of_it(tmp_path: Path, words: str) -> None:
    folder = tmp_path / "a:b+c@d"
    folder.mkdir()
    file = folder / "x.inter"
    file.write_text("one")
    before = state_behind(f"kind:{folder}{words}")
    assert [name for name, *_ in before] == [str(file)]
    file.write_text("two or more")
    assert state_behind(f"kind:{folder}{words}") != before
    assert [name for name, *_ in state_behind(f"kind:{file}{words}")] == [str(file)]


@pytest.mark.parametrize("spec", ["digits", "own.module:make", "ratings:/nowhere/a:rating"])
def test_what_names_no_path_has_no_files(spec: str) -> None:
    assert state_behind(spec) == []

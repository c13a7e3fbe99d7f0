"""What a deploy makes of a race: layers go back once, and what was decided is kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgeprune.deploy.on_board import Prepared
from edgeprune.deploy.racing import Settled, settle
from edgeprune.errors import EdgepruneError


class Board:
    """A board on which these layers lose."""

    def __init__(self, *lost: str) -> None:
        self.lost = lost
        self.did: list[str] = []

    def tell(self, text: str) -> None:
        """Nobody listens."""

    def prepare(self, written: Any) -> Prepared:
        name = written.manifest.made_from
        self.did.append(f"prepare {name}")
        return Prepared(name, 10, {"agent": 4, name: 6}, {}, {})

    def race(self, bundle: Prepared) -> dict[str, Any]:
        self.did.append(f"race {bundle.place}")
        return {"back": list(self.lost), "comparisons": [], "unknown": []}


def _bundle(name: str, *, races: bool = True) -> Any:
    return SimpleNamespace(
        manifest=SimpleNamespace(made_from=name, rival="rival" if races else None)
    )


def _settle(board: Any, memory: Path, first: Any = None, **conditions: Any) -> Settled:
    def again(back: Sequence[str]) -> Any:
        return _bundle(f"without {','.join(back)}", races=False)

    return settle(board, first or _bundle("first"), again, memory, conditions)


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    """Where decisions are kept."""
    return tmp_path / "new" / "race.json"


def test_nothing_races_where_nothing_is_sparse(memory: Path) -> None:
    board = Board("a")
    found = _settle(board, memory, _bundle("dense", races=False))
    assert (board.did, found.race) == (["prepare dense"], None)
    assert not memory.exists()


def test_the_first_bundle_stays_where_all_won(memory: Path) -> None:
    board = Board()
    found = _settle(board, memory)
    assert board.did == ["prepare first", "race first"]
    assert (found.prepared.place, found.prepared.sent_bytes) == ("first", 10)
    again = Board("a")
    assert _settle(again, memory).race == found.race
    assert again.did == ["prepare first"]


def test_what_lost_goes_back_once(memory: Path) -> None:
    board = Board("a", "b")
    found = _settle(board, memory)
    assert board.did == ["prepare first", "race first", "prepare without a,b"]
    assert found.written.manifest.made_from == found.prepared.place == "without a,b"
    assert found.prepared.sent_bytes == 20
    assert found.prepared.files == {"agent": 4, "first": 6, "without a,b": 6}
    again = Board()
    assert _settle(again, memory).race == found.race
    assert again.did == ["prepare without a,b"], "what was decided holds"


def test_a_deploy_that_ended_after_the_race_goes_on_there(memory: Path) -> None:
    def fail(_: Sequence[str]) -> Any:
        raise EdgepruneError("the host was switched off")

    with pytest.raises(EdgepruneError):
        settle(Board("a"), _bundle("first"), fail, memory, {})  # type: ignore[arg-type]
    board = Board()
    _settle(board, memory)
    assert board.did == ["prepare without a"]


def test_another_bundle_or_board_races_anew(memory: Path) -> None:
    _settle(Board("a"), memory, batch=1)
    for changed in ({"batch": 2}, {"first": _bundle("second"), "batch": 2}):
        board = Board()
        _settle(board, memory, **changed)  # type: ignore[arg-type]
        assert board.did[1].startswith("race ")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "edgeprune-race-1", "race": {}}'])
def test_a_decision_that_cannot_be_read_is_made_again(memory: Path, text: str) -> None:
    memory.parent.mkdir()
    memory.write_text(text, encoding="utf-8")
    board = Board()
    _settle(board, memory)
    assert "race first" in board.did

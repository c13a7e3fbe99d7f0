"""Sparse layers race with dense ones on the board; those that lose go back, and once only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edgeprune.atomic import write_text_atomic
from edgeprune.deploy.bundle.write import WrittenBundle
from edgeprune.deploy.on_board import OnBoard, Prepared
from edgeprune.deploy.request import DeployRequest
from edgeprune.digest import digest_of

RACE_NAME = "race.json"
FORMAT = "edgeprune-race-1"


@dataclass(frozen=True)
class Settled:
    """What is measured in the end.

    Attributes:
        written: the last bundle.
        prepared: it on the board, with what was sent for all.
        race: the agent's result, with `at`, when that was; None where nothing raced.
    """

    written: WrittenBundle
    prepared: Prepared
    race: Mapping[str, Any] | None


def settle(
    board: OnBoard,
    first: WrittenBundle,
    again: Callable[[Sequence[str]], WrittenBundle],
    memory: Path,
    conditions: Mapping[str, Any],
) -> Settled:
    """Prepare a bundle on the board; where layers of it lose, another without them in its place.

    Args:
        board: with its agent.
        first: the bundle, whose sparse layers race if it has a rival for them.
        again: makes the bundle in which these layers are dense; nothing in it races.
        memory: file that holds what was decided the last time.
        conditions: that a decision holds for, beside the bundle.

    Raises:
        EdgepruneError: the board cannot run a bundle, or the run cannot be exported again.
    """
    if first.manifest.rival is None:
        return Settled(first, board.prepare(first), None)
    key = _key(first, conditions)
    race, prepared = _remembered(memory, key), None
    if race is None:
        prepared = board.prepare(first)
        race = {
            **board.race(prepared),
            "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        _remember(memory, key, race)
    else:
        board.tell(f"sparse layers raced on {race['at']}: what was decided holds")
    if not race["back"]:
        return Settled(first, prepared or board.prepare(first), race)
    board.tell(f"going back to dense: {', '.join(race['back'])}")
    last = again(race["back"])
    return Settled(last, board.prepare(last).after(prepared), race)


def conditions_of(request: DeployRequest, probe: Mapping[str, Any]) -> dict[str, Any]:
    """What else decides a race: the board, its software and mode, and what is asked of it."""
    return {
        **{name: probe[name] for name in ("board", "chip", "l4t", "software")},
        **{name: probe["conditions"][name] for name in ("cpu", "cores", "power_mode")},
        "agent_options": request.agent_options,
        "lock_clocks": request.lock_clocks,
    }


def _key(bundle: WrittenBundle, conditions: Mapping[str, Any]) -> str:
    made = {"bundle": bundle.manifest.made_from, **conditions}
    return digest_of(made)


def _remember(path: Path, key: str, race: Mapping[str, Any]) -> None:
    text = json.dumps({"format": FORMAT, "key": key, "race": race}, indent=1, allow_nan=False)
    write_text_atomic(path, text + "\n")


def _remembered(path: Path, key: str) -> Mapping[str, Any] | None:
    """None where nothing is kept, or what is kept is damaged or of something else."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        race: Mapping[str, Any] = held["race"]
        is_ours = (held["format"], held["key"]) == (FORMAT, key) and {"back", "at"} <= set(race)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return race if is_ours else None

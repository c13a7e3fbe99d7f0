"""Verify and correct: what the search proposes is measured, and the prediction put right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from edgeprune.prune.budget import Budget, Choice
from edgeprune.prune.removal import Removal

ROUNDS = 3
TOLERANCE = 0.05  # of the budget, on either side
OVER = 0.02  # above it that is aimed at: a second measurement is to be within the tolerance, too

Measure = Callable[[Removal], Mapping[str, float]]


@dataclass(frozen=True)
class Round:
    """A proposal of the search: what was predicted and measured of it, by the budget's name."""

    predicted: Mapping[str, float]
    measured: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and state files."""
        return asdict(self)


@dataclass(frozen=True)
class Settled:
    """What came of the rounds.

    Attributes:
        budget: with the prediction under which the search proposes the best of what was measured.
        measured: of that proposal, by the budget's name; empty where nothing could be proposed.
        rounds: all that was measured, in order.
    """

    budget: Budget
    measured: Mapping[str, float]
    rounds: tuple[Round, ...]

    def as_dict(self) -> dict[str, Any]:
        """What was measured, as plain values."""
        rounds = [found.as_dict() for found in self.rounds]
        return {"rounds": rounds, "measured": dict(self.measured)}


def settle(
    budget: Budget,
    propose: Callable[[Budget], Choice],
    measure: Measure,
    tell: Callable[[Round], None] = lambda _: None,
) -> Settled:
    """Measure what the search proposes, and correct, until it is within 5 %; three times at most.

    A proposal below the budget by more than that wastes capacity, unless another budget decided.

    Args:
        budget: the whole budget.
        propose: the search.
        measure: the measured costs of a network without the channels.
        tell: gets every round.
    """
    asked = {target.table.name: target.value for target in budget.measured}
    tried: list[Settled] = []
    rounds: list[Round] = []
    proposed: list[Choice] = []
    for _ in range(ROUNDS):
        choice = propose(budget)
        if tried and not choice.met:  # one measurement may make the prediction too gloomy
            budget = _halfway(tried[-1].budget, budget)
            choice = propose(budget)
        if not choice.met or any(_is_same(choice, earlier) for earlier in proposed):
            break  # widths are too coarse for what is asked
        proposed.append(choice)
        measured = measure(choice.removal)
        rounds.append(Round({name: choice.reached[name] for name in asked}, measured))
        tried.append(Settled(budget, measured, ()))
        tell(rounds[-1])
        if _suits(choice, asked, measured):
            break
        budget = _within(corrected(budget, rounds[-1]), asked, tried)
    if not tried:
        return Settled(budget, {}, ())
    best = min(tried, key=lambda one: _badness(asked, one.measured))
    return Settled(best.budget, best.measured, tuple(rounds))


def is_missed(asked: float, measured: float) -> bool:
    """Whether a cost is above its budget by more than measuring it can tell."""
    return measured > (1.0 + TOLERANCE) * asked


def _suits(choice: Choice, asked: Mapping[str, float], measured: Mapping[str, float]) -> bool:
    used = _used(asked, measured)
    if used > 1.0 + OVER:
        return False
    decides = any(name in asked for name in choice.limited_by)
    return used >= 1.0 - TOLERANCE or not decides


def _badness(asked: Mapping[str, float], measured: Mapping[str, float]) -> tuple[bool, float]:
    """Too much is worse than too little; otherwise the distance counts."""
    used = _used(asked, measured)
    return used > 1.0 + OVER, abs(used - 1.0)


def _within(scaled: Budget, asked: Mapping[str, float], tried: list[Settled]) -> Budget:
    """The corrected prediction, if it lies between one that led below the budget and one above.

    Where it does not, networks next to each other were predicted wrong in opposite directions, and
    the middle of the two is tried. Without such a pair it stands.
    """
    below = [one for one in tried if _used(asked, one.measured) < 1.0]
    above = [one for one in tried if _used(asked, one.measured) >= 1.0]
    if not below or not above:
        return scaled
    low, high = (
        min(side, key=lambda one: abs(_used(asked, one.measured) - 1.0)).budget
        for side in (below, above)
    )
    ends = [[target.table.correction for target in one.measured] for one in (low, high)]
    found = [target.table.correction for target in scaled.measured]
    inside = all(min(pair) < k < max(pair) for k, *pair in zip(found, *ends, strict=True))
    return scaled if inside else _halfway(low, high)


def _used(asked: Mapping[str, float], measured: Mapping[str, float]) -> float:
    """The largest share of a budget that is used."""
    return max(measured[name] / value for name, value in asked.items())


def _is_same(choice: Choice, other: Choice) -> bool:
    return bool((choice.removal.counts == other.removal.counts).all())


def _halfway(before: Budget, after: Budget) -> Budget:
    return after.with_tables(
        {
            new.table.name: replace(
                new.table, correction=(old.table.correction + new.table.correction) / 2
            )
            for old, new in zip(before.measured, after.measured, strict=True)
        }
    )


def corrected(budget: Budget, found: Round) -> Budget:
    """The budget with predictions scaled so that they are right for what was measured."""
    return budget.with_tables(
        {
            target.table.name: target.table.corrected(
                found.predicted[target.table.name], found.measured[target.table.name]
            )
            for target in budget.measured
        }
    )

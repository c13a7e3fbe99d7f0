"""Verify and correct: three rounds at most, on either side, and the best that was measured."""

from __future__ import annotations

import pytest

from edgeprune.methods.measured.rounds import is_missed, settle
from edgeprune.prune.budget import Budget, Choice, MeasuredTarget
from edgeprune.prune.cost_table import CostTable, GroupSaving
from edgeprune.prune.removal import Removal, make_removal

_NAME = "target_latency_ms"
_CHANNELS = 480


def _budget(asked: float) -> Budget:
    """A group of 480 channels, each of which is believed to save 0.2 % of 10 ms."""
    saving = GroupSaving((1, _CHANNELS), (0.96, 0.0), (0.96, 0.0))
    return Budget(measured=(MeasuredTarget(CostTable(_NAME, 10.0, {"group": saving}), asked),))


def _search(budget: Budget, grain: int = 1, limited_by: str = _NAME) -> Choice:
    """As few channels as the prediction allows, a multiple of `grain`."""
    (target,) = budget.measured
    for count in range(0, _CHANNELS, grain):
        predicted = 10.0 * (1 - target.table.correction * 0.002 * count)
        if predicted <= target.value:
            break
    return Choice(
        removal=make_removal([range(count)]),
        asked={_NAME: target.value},
        reached={_NAME: predicted},
        met=predicted <= target.value,
        limited_by=(limited_by,),
        params=0,
        macs=0,
    )


def _measure(removal: Removal, true: float, bend: float = 1.0) -> dict[str, float]:
    """What the channels really save: `true` times what is believed, bent."""
    share = true * 0.002 * removal.count
    return {_NAME: 10.0 * (1 - share**bend)}


@pytest.mark.parametrize("true", [0.5, 0.8, 1.0, 1.3])
@pytest.mark.parametrize("bend", [0.8, 1.0, 1.2])
def test_a_wrong_prediction_is_put_right(true: float, bend: float) -> None:
    settled = settle(_budget(7.0), _search, lambda removal: _measure(removal, true, bend))
    assert 1 <= len(settled.rounds) <= 3
    assert settled.measured[_NAME] == pytest.approx(7.0, rel=0.05)
    again = _search(settled.budget)
    assert _measure(again.removal, true, bend) == settled.measured


def test_a_prediction_that_got_too_gloomy_is_met_halfway() -> None:
    """What was measured first says that the budget is out of reach; it is not."""
    settled = settle(_budget(4.0), _search, lambda removal: _measure(removal, 0.9, bend=1.4))
    assert settled.rounds[0].measured[_NAME] > 4.2
    assert settled.measured[_NAME] < settled.rounds[0].measured[_NAME]


def test_between_one_below_and_one_above_the_middle_is_tried() -> None:
    """The first channels save nothing, and the others more than is believed."""

    def measure(removal: Removal) -> dict[str, float]:
        return {_NAME: 10.0 * (1 - 0.0024 * max(0, removal.count - 20) ** 1.02)}

    found = settle(_budget(7.0), _search, measure)
    used = [one.measured[_NAME] / 7.0 for one in found.rounds]
    assert len(used) <= 3
    assert abs(found.measured[_NAME] / 7.0 - 1) == min(abs(share - 1) for share in used)


def test_what_suits_is_not_measured_twice() -> None:
    settled = settle(_budget(7.0), _search, lambda removal: _measure(removal, 1.02))
    assert len(settled.rounds) == 1


def test_capacity_is_given_back() -> None:
    settled = settle(_budget(7.0), _search, lambda removal: _measure(removal, 1.5))
    first, *_, last = settled.rounds
    assert first.measured[_NAME] < 6.65 <= last.measured[_NAME] <= 7.35


def test_a_budget_that_another_one_decides_may_be_left_unused() -> None:
    seen = []
    settled = settle(
        _budget(7.0),
        lambda budget: _search(budget, limited_by="target_params"),
        lambda removal: _measure(removal, 1.5),
        seen.append,
    )
    assert len(settled.rounds) == len(seen) == 1


def test_where_no_width_fits_the_one_below_is_taken() -> None:
    """Steps of 128 channels save a quarter each: there is nothing between 7.44 and 4.88 ms."""
    settled = settle(
        _budget(6.0), lambda budget: _search(budget, grain=128), lambda r: _measure(r, 1.0)
    )
    assert settled.measured[_NAME] == pytest.approx(4.88)
    assert len(settled.rounds) == 1, "the same network is not measured again"
    assert not is_missed(6.0, settled.measured[_NAME])


def test_what_cannot_be_predicted_to_fit_is_not_measured() -> None:
    settled = settle(_budget(0.1), _search, lambda removal: _measure(removal, 1.0))
    assert settled.rounds == ()
    assert not settled.measured


def test_five_percent_is_what_measuring_can_tell() -> None:
    assert not is_missed(1.0, 1.049)
    assert is_missed(1.0, 1.051)

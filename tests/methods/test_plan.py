from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.errors import UserInputError
from edgeprune.methods import training
from edgeprune.methods.plan import round_progress, sp_events
from edgeprune.recipe import Recipe, resolve_recipe


def _recipe(method: str = "sp_sad", preset: str = "quick", **settings: object) -> Recipe:
    return resolve_recipe(method, preset, {"data": "digits", **settings})


def test_paper_events_remove_ten_percent_every_twenty_epochs() -> None:
    events = sp_events(_recipe(preset="paper"))
    assert list(events) == [20, 40, 60, 80, 100, 120]
    removed = [0.6 * progress for progress in events.values()]
    assert removed == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def test_paper_tickets_reach_forty_percent_in_twelve_rounds() -> None:
    progress = round_progress(_recipe("lth_sad", "paper"))
    assert len(progress) == 12
    assert progress[-1] == 1.0


@given(
    epochs=st.integers(1, 60),
    every=st.integers(1, 10),
    warm=st.integers(0, 3),
    start=st.floats(0.0, 0.5),
    until=st.floats(0.1, 1.0),
)
def test_events_stay_inside_the_training(
    epochs: int, every: int, warm: int, start: float, until: float
) -> None:
    recipe = _recipe(
        epochs=epochs, every=every, warm_epochs=warm, prune_from=start, prune_until=until
    )
    last = min(epochs - 1, max(1, int(until * epochs)))
    earliest = 0 if warm else every
    try:
        events = sp_events(recipe)
    except UserInputError:
        assert not [e for e in range(earliest, last + 1, every) if e >= start * epochs]
        return
    assert min(events) >= max(0 if warm else 1, start * epochs)
    assert max(events) <= last
    assert max(events) <= epochs - 1
    progress = list(events.values())
    assert progress == sorted(progress)
    assert progress[-1] == 1.0


def test_too_few_epochs_for_the_rate_is_said() -> None:
    with pytest.raises(UserInputError, match="6 events of 10% are needed"):
        sp_events(_recipe(schedule="additive", rate=0.1, epochs=6, every=2))


def test_one_epoch_leaves_no_room_unless_the_student_is_trained_before() -> None:
    with pytest.raises(UserInputError, match="no room to prune"):
        sp_events(_recipe(epochs=1, warm_epochs=0))
    assert sp_events(_recipe(epochs=1, warm_epochs=1)) == {0: 1.0}


def test_a_student_that_is_trained_before_is_pruned_before_its_own_first_epoch() -> None:
    settings = {"epochs": 10, "every": 2, "prune_until": 0.5}
    assert list(sp_events(_recipe(**settings, warm_epochs=5))) == [0, 2, 4]
    assert list(sp_events(_recipe(**settings, warm_epochs=0))) == [2, 4]


def test_finishing_trainings_follow_the_epochs_and_the_rate_unless_given() -> None:
    recipe = _recipe(epochs=16, lr=0.1, granularity="2:4", qat=True)
    sparse, qat = training.sparse_training(recipe), training.qat_training(recipe)
    assert (sparse.epochs, sparse.rate.peak) == (5, pytest.approx(0.01))
    assert (qat.epochs, qat.rate.peak) == (5, pytest.approx(0.001))
    assert qat.rate.at(5) == pytest.approx(0.0)
    assert training.qat_training(_recipe(epochs=2)).epochs == 1
    given = _recipe(granularity="2:4", sparse_epochs=3, sparse_lr=0.2)
    assert (training.sparse_training(given).epochs, training.sparse_training(given).rate.peak) == (
        3,
        0.2,
    )

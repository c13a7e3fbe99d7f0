"""The second gate: trials pick the fastest tactic, are kept, and survive what happens to files."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeprune.device.errors import DeviceError
from edgeprune.device.sparse.conv import ConvShape
from edgeprune.device.sparse.tactics import Tactic, TrialKey, candidates, mask_hash
from edgeprune.device.sparse.trial_cache import Trial, TrialCache
from edgeprune.device.sparse.trials import TacticRefusedError, judge, run_trials
from edgeprune.device.sparse.vcsr import pack

_SHAPE = ConvShape(16, 32, (14, 14), (14, 14), (3, 3))
_WEIGHT = (np.random.default_rng(0).random(_SHAPE.weight_shape) > 0.9).astype(np.float32)
_KEY = TrialKey("87", 918, 3199, "fp16", _SHAPE, mask_hash(_WEIGHT))


def _made_up(tactic: Tactic) -> float:
    """Fastest at V = 4 with 8 rows and no split; the width of tiles matters least."""
    misses = abs(tactic.vector - 4) + 8 - tactic.pixels_per_lane + tactic.lane_split - 1
    return 1.0 + misses - tactic.tile_columns / 1e6


def _never(_: Tactic) -> float:
    raise AssertionError("measured again")


def test_the_fastest_tactic_is_found_once_and_then_remembered(tmp_path: Path) -> None:
    path = tmp_path / "new" / "trials.json"
    tactics = candidates(_SHAPE)
    first, cached = run_trials(_KEY, tactics, _made_up, TrialCache(path))
    assert first.tactic == Tactic(4, 14, 8, 1, 1)
    assert not cached
    assert run_trials(_KEY, tactics, _never, TrialCache(path)) == (first, True)


@pytest.mark.parametrize(
    "other",
    [
        replace(_KEY, sm="110"),
        replace(_KEY, gpu_mhz=612),
        replace(_KEY, memory_mhz=2133),
        replace(_KEY, precision="fp32"),
        replace(_KEY, shape=replace(_SHAPE, batch=2)),
        replace(_KEY, mask=mask_hash(np.roll(_WEIGHT, 1))),
    ],
)
def test_whatever_the_time_depends_on_asks_for_a_new_trial(tmp_path: Path, other: TrialKey) -> None:
    cache = TrialCache(tmp_path / "trials.json")
    tactics = candidates(_SHAPE)
    run_trials(_KEY, tactics, _made_up, cache)
    slower, cached = run_trials(other, tactics, lambda tactic: 2 * _made_up(tactic), cache)
    assert not cached
    assert slower.time_ms > 1.5
    assert run_trials(_KEY, tactics, _never, cache)[0].time_ms < 1.5


def test_a_mask_is_known_by_its_zeros_alone() -> None:
    assert mask_hash(_WEIGHT) == mask_hash(_WEIGHT * -3.5)
    assert mask_hash(_WEIGHT) != mask_hash(_WEIGHT.reshape(16, 32, 3, 3))


def test_refused_tactics_are_left_out_and_all_refused_is_an_error(tmp_path: Path) -> None:
    cache = TrialCache(tmp_path / "trials.json")

    def no_fours(tactic: Tactic) -> float:
        if tactic.vector == 4:
            raise TacticRefusedError("too much shared memory")
        return _made_up(tactic)

    def nothing(_: Tactic) -> float:
        raise TacticRefusedError("too old")

    with pytest.raises(DeviceError, match="runs on sm_87: leave it dense"):
        run_trials(_KEY, candidates(_SHAPE), nothing, cache)
    assert run_trials(_KEY, candidates(_SHAPE), no_fours, cache)[0].tactic.vector == 2


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_time_is_refused(tmp_path: Path, value: float) -> None:
    cache = TrialCache(tmp_path / "trials.json")
    with pytest.raises(DeviceError, match="which is no time"):
        run_trials(_KEY, candidates(_SHAPE), lambda _: value, cache)
    assert cache.find(_KEY) is None


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"format": "x"}', b"\xff\xfe", b'{"format": '])
def test_a_damaged_cache_is_told_and_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trials.json"
    path.write_bytes(content)
    cache = TrialCache(path)
    assert "new ones are begun" in cache.warning
    found, cached = run_trials(_KEY, candidates(_SHAPE), _made_up, cache)
    assert not cached
    assert TrialCache(path).find(_KEY) == found
    assert not TrialCache(path).warning


def test_two_writers_keep_each_others_trials(tmp_path: Path) -> None:
    path = tmp_path / "trials.json"
    one, other = TrialCache(path), TrialCache(path)
    trial = Trial(candidates(_SHAPE)[0], 0.5)
    one.keep(_KEY, trial)
    other.keep(replace(_KEY, gpu_mhz=1), trial)
    assert one.find(_KEY) == one.find(replace(_KEY, gpu_mhz=1)) == trial


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeviceError, match="cannot be written"):
        TrialCache(tmp_path / "file" / "trials.json").keep(_KEY, Trial(candidates(_SHAPE)[0], 1.0))


def test_sparse_goes_on_where_it_is_faster_with_its_copies(tmp_path: Path) -> None:
    cache, tactics = TrialCache(tmp_path / "trials.json"), candidates(_SHAPE)
    best, _ = run_trials(_KEY, tactics, _made_up, cache)
    dense_ms = best.time_ms + 0.1
    won = judge(_KEY, tactics, _never, cache, dense_ms=dense_ms, copies_ms=0.05)
    lost = judge(_KEY, tactics, _never, cache, dense_ms=dense_ms, copies_ms=0.15)
    assert (won.goes_sparse, lost.goes_sparse) == (True, False)
    assert won.cached


def test_a_real_measurement_goes_through(tmp_path: Path) -> None:
    """Each V is packed and multiplied in numpy, timed by the clock."""
    rng = np.random.default_rng(1)
    pixels = rng.standard_normal((16 * 9, 196)).astype(np.float32)

    def multiply(tactic: Tactic) -> float:
        packed = pack(_WEIGHT, vector=tactic.vector, channel_tile=16)
        started = time.perf_counter()
        packed.val.T @ pixels[packed.off]
        return 1e3 * (time.perf_counter() - started)

    tactics = candidates(_SHAPE)
    found, _ = run_trials(_KEY, tactics, multiply, TrialCache(tmp_path / "trials.json"))
    assert found.tactic in tactics
    assert found.time_ms > 0


@pytest.mark.parametrize(
    ("width", "split", "columns"),
    [(14, 1, {14, 7, 3}), (56, 1, {28, 14, 7}), (7, 4, {7, 3, 1}), (14, 4, {7, 3, 1}), (1, 1, {1})],
)
def test_tiles_divide_the_map_evenly(width: int, split: int, columns: set[int]) -> None:
    found = candidates(replace(_SHAPE, out_size=(8, width)))
    assert {one.tile_columns for one in found if one.lane_split == split} == columns
    assert len(set(found)) == len(found)

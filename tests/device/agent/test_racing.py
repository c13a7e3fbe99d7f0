"""The race as the agent runs it, on recorded profiles."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnx
import pytest
from onnx import helper

from edgeprune.device.agent.events import Silent
from edgeprune.device.agent.racing import advise, run_race
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.manifest import BundleModel
from edgeprune.device.race.race import ProfiledLayer

STUDENT = BundleModel("student", "student.onnx", "fp32", None, needs_plugin=True)
RIVAL = BundleModel("student-dense", "student-dense.onnx", "fp32", None)
# Of a, b and c, as the dense and the sparse network take them in three turns.
TIMES = {
    "student-dense": [(1.0, 2.0, 3.0), (9.0, 9.0, 9.0), (1.2, 2.2, 3.2)],
    "student": [(0.5, 2.5, 3.0), (0.6, 2.6, 3.1), (9.0, 9.0, 9.0)],
}


class Told(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.notes: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)


class Recorded:
    """A workbench whose networks were profiled before; it does not name `lost` when sparse."""

    profiler = "a recording"

    def __init__(self, bundle: Path, rival: BundleModel | None, lost: str = "") -> None:
        manifest = SimpleNamespace(rival=rival, model=lambda _: STUDENT)
        self.work = SimpleNamespace(
            bundle=bundle, manifest=manifest, label="runtime 1", batch=2, threads=1, events=Told()
        )
        self.order: list[str] = []
        self._lost = lost

    def profile(self, model: BundleModel, raced: Collection[str]) -> tuple[ProfiledLayer, ...]:
        assert list(raced) == ["a", "b", "c"]
        times = TIMES[model.name][self.order.count(model.name)]
        self.order.append(model.name)
        return tuple(
            ProfiledLayer(name, ms, (name,))
            for name, ms in zip("abc", times, strict=True)
            if model != STUDENT or name != self._lost
        )


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder with a student that says which of its layers are sparse."""
    model = helper.make_model(helper.make_graph([], "g", [], []))
    helper.set_model_props(model, {"sparse_layers": '["a", "b", "c", "a"]'})
    onnx.save(model, tmp_path / "student.onnx")
    return tmp_path


def _race(bench: Any) -> dict[str, Any]:
    return run_race(bench)


def test_it_takes_turns_and_says_who_lost(bundle: Path) -> None:
    bench = Recorded(bundle, RIVAL)
    found = _race(bench)
    assert bench.order == ["student-dense", "student"] * 3
    assert [(one["dense_ms"], one["sparse_ms"]) for one in found["comparisons"]] == [
        (1.2, 0.6), (2.2, 2.6), (3.2, 3.1),
    ]  # fmt: skip
    assert found["back"] == ("b",)
    assert (found["runtime"], found["profiler"]) == ("runtime 1", "a recording")
    assert "b: sparse lost with 2.600 ms against 2.200 ms dense" in bench.work.events.steps
    told = Told()
    advise(found, told)
    assert told.notes == [
        "sparse layers that lost to dense: b; the host exports without them: "
        "edgeprune deploy RUN --sparse 'a,c'"
    ]


def test_what_no_profile_names_goes_back(bundle: Path) -> None:
    found = _race(Recorded(bundle, RIVAL, lost="a"))
    assert set(found["back"]) == {"a", "b"}
    assert found["unknown"] == ("a",)


def test_advice_where_all_lost_and_where_none_did() -> None:
    told = Told()
    advise({"back": ["a"], "comparisons": [{"layers": ["a"]}]}, told)
    assert told.notes[0].endswith("edgeprune deploy RUN without --sparse")
    advise({"back": [], "comparisons": [{"layers": ["a"]}]}, told)
    assert len(told.notes) == 1


def test_without_a_rival_there_is_no_race(bundle: Path) -> None:
    with pytest.raises(BundleError, match="nothing to race"):
        _race(Recorded(bundle, None))

"""Ids that a table lacks: one line with input, column and id."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from table_nets import Dots

from edgeprune.device.bench.feeds import random_feed
from edgeprune.device.bench.protocol import BenchmarkSettingError
from edgeprune.device.ids import IdRows, UnknownIdError, check_ids, id_rows_from
from edgeprune.export.onnx import export_onnx
from edgeprune.models.inputs import random_inputs


@given(arrays(np.int64, (4, 3), elements=st.integers(-3, 9)))
def test_exactly_what_a_column_lacks_is_refused(values: np.ndarray) -> None:
    ids = IdRows((4, 0, 8), ("a", "b", "c"))
    known = (values >= 0).all(0) & (values < (4, 1, 8)).all(0)
    if known[0] and known[2]:
        ids.check("ids", values)
        return
    with pytest.raises(UnknownIdError) as refused:
        ids.check("ids", values)
    assert refused.value.exit_code == 2
    column = "abc".index(str(refused.value).partition("(")[2][0])
    assert not known[column]
    assert column != 1, "it takes any"


@pytest.mark.parametrize("values", [np.zeros((2, 2)), np.zeros((2, 3), np.int64), np.int64(3)])
def test_what_are_no_ids(values: np.ndarray) -> None:
    with pytest.raises(UnknownIdError, match="give int64 ids in 2 columns"):
        IdRows((4, 4)).check("ids", np.asarray(values))


def test_files_of_others_note_nothing() -> None:
    assert id_rows_from(None) == {}
    check_ids({}, {"input": np.zeros(3)})


def test_a_benchmark_draws_ids_that_there_are(tmp_path: Path) -> None:
    model = Dots(rows=(2, 300))
    path = tmp_path / "net.onnx"
    export_onnx(model, random_inputs(model.input_specs(), 2), path)
    feed = random_feed(path, 512)
    assert {name: (v.dtype.name, v.shape) for name, v in feed.items()} == {
        "ids": ("int64", (512, 2)), "dense": ("float32", (512, 3)), "bag": ("int64", (512, 4)),
    }  # fmt: skip
    assert feed["ids"].max(0)[0] == 1
    assert 200 < feed["ids"].max(0)[1] < 300
    assert feed["bag"].max() == 6
    content = path.read_bytes().replace(b'"rows"', b'"sows"').replace(b"\x03ids", b"\x03idz")
    (tmp_path / "other.onnx").write_bytes(content)
    with pytest.raises(BenchmarkSettingError, match="export it with edgeprune export"):
        random_feed(tmp_path / "other.onnx", 4)

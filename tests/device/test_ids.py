"""Ids that a table lacks: one line with input, column and id."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgeprune.device.ids import IdRows, UnknownIdError, check_ids, id_rows_from


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

"""What a plugin is made from: every field is checked, and a wrong one is told in one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sparse_harness.plugin import PluginHarness
from sparse_harness.plugin_structures import FieldArray, PluginField
from sparse_layers import small_conv

_ATTRIBUTES = small_conv().as_attributes()
_CLIPPED = small_conv(activation="clip", clip_low=-1.0, clip_high=2.0).as_attributes()
_SEG, _OFF, _PERM = (_ATTRIBUTES[name] for name in ("seg", "off", "perm"))
_REQUIRED = set(_ATTRIBUTES) - {"bias", "plugin_version", "plugin_namespace"}


def _changed(array: np.ndarray, index: int, value: int) -> np.ndarray:
    result = array.copy()
    result[index] = value
    return result


def _offset(index: int, value: int) -> np.ndarray:
    """The offsets, two to a word, with another one among them."""
    result = _OFF.copy()
    result.view(np.uint16)[: _SEG[-1]][index] = value
    return result


# A change of the attributes, and what the line about it holds.
_WRONG: list[tuple[dict[str, Any], str]] = [
    ({"shape": [16, 12, 3]}, "field shape: 3 numbers where 4 belong"),
    ({"shape": [16, 0, 3, 3]}, "field shape: 0 is not within 1 to 1048576"),
    ({"shape": [16, 12, 70000, 3]}, "field shape: 70000 is not within 1 to 16384"),
    ({"shape": np.float32([16, 12, 3, 3])}, "field shape: it is FLOAT where integers belong"),
    ({"shape": np.int64([2**40, 12, 3, 3])}, "field shape: 1099511627776 does not fit"),
    ({"group": 0}, "field group: 0 is not within"),
    ({"group": 5}, "60 channels and 16 outputs do not make 5 groups"),
    ({"group": 2**30}, "field group: 1073741824 is not within"),
    ({"vector": 3}, "vector length 3"),
    ({"vector": [4, 4]}, "field vector: 2 numbers where 1 belong"),
    ({"channel_tile": 0}, "channel tile 0"),
    ({"channel_tile": 10**6}, "channel tile 1000000"),
    ({"strides": [0, 1]}, "field strides: 0 is not within 1 to"),
    ({"strides": [1]}, "field strides: 1 numbers where 2 belong"),
    ({"pads": [1, 1, 1]}, "field pads: 3 numbers where 4 belong"),
    ({"pads": [1, 1, 1, -1]}, "field pads: -1 is not within 0 to"),
    ({"dilations": [1, 0]}, "field dilations: 0 is not within 1 to"),
    ({"activation": "gelu"}, "field activation: gelu is none of none, relu and clip"),
    ({"activation": ""}, "field activation:  is none of"),
    ({"activation": 1}, "field activation: it is INT32 where STRING belongs"),
    ({"activation": "clip"}, "field clip_low: it is missing"),
    ({"clip_low": 0.0}, "field clip_low: it belongs to clip, but activation is relu"),
    ({"seg": _SEG[:-1]}, "segment bounds where the layer has 4 and 13"),
    ({"seg": _SEG.astype(np.int64)}, "field seg: it is INT64 where INT32 belongs"),
    ({"seg": _changed(_SEG, 0, 1)}, "the segments do not cover"),
    ({"seg": _changed(_SEG, 2, -1)}, "segment 1 ends before it begins"),
    ({"seg": _changed(_SEG, 2, 10**9)}, "segment 2 ends before it begins"),
    ({"seg": _changed(_SEG, -1, 10**9)}, "the segments do not cover"),
    ({"off": _offset(3, 45)}, "column 3 lies outside its tile of channels"),
    ({"off": _offset(-1, 0xFFFF)}, "lies outside its tile of channels"),
    ({"off": _OFF[:-1]}, "the segments do not cover"),
    ({"off": _OFF.view(np.int16)}, "field off: it is another type where INT32 belongs"),
    ({"perm": _changed(_PERM, 0, 9)}, "perm is no permutation of 4 groups"),
    ({"perm": _changed(_PERM, 0, int(_PERM[1]))}, "perm is no permutation of 4 groups"),
    ({"perm": _PERM[:-1]}, "3 groups and"),
    ({"val": _ATTRIBUTES["val"][:-1]}, "field val:"),
    ({"val": _changed(_ATTRIBUTES["val"], 0, np.nan)}, "field val: it holds a number that is not"),
    ({"val": _ATTRIBUTES["val"].astype(np.float64)}, "field val: it is another type where FLOAT"),
    ({"bias": np.zeros(15, np.float32)}, "field bias: 15 numbers where 16 outputs belong"),
    ({"bias": np.full(16, np.inf, np.float32)}, "field bias: it holds a number that is not"),
    ({"bias": np.zeros(16, np.float16)}, "field bias: it is FLOAT16 where FLOAT belongs"),
    ({"padding": 1}, "field padding: this version of the plugin does not know it"),
]


@pytest.mark.parametrize(("change", "line"), _WRONG)
def test_wrong_field_is_told_in_one_line(
    harness: PluginHarness, generation: int, change: dict[str, Any], line: str
) -> None:
    assert harness.create(generation, {**_ATTRIBUTES, **change}) is None
    told = harness.told
    assert len(told) == 1
    assert told[0].startswith("error: SparseConv2d: ")
    assert line in told[0]


@pytest.mark.parametrize("name", sorted(_REQUIRED))
def test_missing_field_is_named(harness: PluginHarness, generation: int, name: str) -> None:
    rest = {key: value for key, value in _ATTRIBUTES.items() if key != name}
    assert harness.create(generation, rest) is None
    assert harness.told == [f"error: SparseConv2d: field {name}: it is missing"]


def test_bounds_of_clip_are_ordered(harness: PluginHarness, generation: int) -> None:
    wrong = {**_CLIPPED, "clip_low": 3.0}
    assert harness.create(generation, wrong) is None
    assert "lower bound of the clip is above the upper one" in harness.told[0]


def test_creators_announce_what_the_exporter_writes(harness: PluginHarness) -> None:
    written = {*_ATTRIBUTES, *_CLIPPED} - {"plugin_version", "plugin_namespace"}
    assert set(harness.announced()) == written


def test_field_given_twice(harness: PluginHarness, generation: int) -> None:
    fields = FieldArray(_ATTRIBUTES)
    fields.fields = (PluginField * (len(fields.fields) + 1))(*fields.fields, fields.fields[0])
    assert harness.create_from(generation, fields) is None
    assert "it is given twice" in harness.told[0]


@pytest.mark.parametrize("change", ["no name", "no data", "negative length"])
def test_hollow_field(harness: PluginHarness, generation: int, change: str) -> None:
    fields = FieldArray(_ATTRIBUTES)
    first = fields.fields[0]
    if change == "no name":
        first.name = None
    elif change == "no data":
        first.data = None
    else:
        first.length = -1
    assert harness.create_from(generation, fields) is None
    assert len(harness.told) == 1


def test_what_parsers_do_differently_is_taken(harness: PluginHarness, generation: int) -> None:
    """Integers of 64 bits, and a text that ends with a zero."""
    plain = harness.create(generation, _ATTRIBUTES)
    other = harness.create(
        generation,
        {
            **_ATTRIBUTES,
            "activation": "relu\0",
            "vector": np.array([4], np.int64),
            "strides": np.array([1, 1], np.int64),
        },
    )
    assert plain is not None
    assert other is not None
    assert plain.serialised() == other.serialised()
    plain.close()
    other.close()


def test_a_layer_without_columns(harness: PluginHarness, generation: int) -> None:
    empty = {
        **_ATTRIBUTES,
        "seg": np.zeros_like(_SEG),
        "off": _OFF[:0],
        "val": _ATTRIBUTES["val"][:0],
    }
    plugin = harness.create(generation, empty)
    assert plugin is not None, harness.told
    plugin.close()


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(["seg", "off", "perm", "shape", "vector", "channel_tile", "group"]),
    index=st.integers(0, 10**6),
    value=st.one_of(st.integers(-3, 40), st.integers(-(2**31), 2**31 - 1)),
)
def test_any_number_is_taken_or_refused(
    harness: PluginHarness, generation: int, name: str, index: int, value: int
) -> None:
    harness.forget()
    array = np.atleast_1d(np.array(_ATTRIBUTES[name]))
    if array.dtype == np.int64:
        array = array.astype(np.int32)
    wrong = array.copy()
    wrong[index % len(wrong)] = np.array(value).astype(wrong.dtype)
    plugin = harness.create(generation, {**_ATTRIBUTES, name: wrong})
    if plugin is None:
        assert len(harness.told) == 1
    else:
        assert harness.told == []
        plugin.close()

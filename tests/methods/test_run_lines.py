from __future__ import annotations

from edgeprune.methods.run import _describe

_RECORD = {"params": 1000, "macs": 2_000_000, "removed": {"a": 3, "b": 1}}


def test_an_exact_removal_says_how_exact() -> None:
    line = _describe({**_RECORD, "equivalence": {"max_rel_error": 2e-16}})
    assert "removed 4 channels" in line
    assert line.endswith("removal exact to 2.0e-16")


def test_an_event_that_finds_nothing_says_so() -> None:
    line = _describe({**_RECORD, "removed": {}, "equivalence": None})
    assert line.strip() == "nothing more to remove: 1,000 params, 2,000,000 MACs left"


def test_a_removal_without_a_claim_makes_none() -> None:
    for proof in (None, {"max_rel_error": None}):
        assert "exact" not in _describe({**_RECORD, "equivalence": proof})

"""Rare ids share rows: who keeps one, what the others read, and that nothing else changed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edgeprune.device.ids import id_rows_of
from edgeprune.errors import CorruptFileError, EdgepruneError, UserInputError
from edgeprune.export.compare import onnx_max_abs_error
from edgeprune.export.onnx import export_onnx
from edgeprune.models.checkpoint import checkpoint_of, load_checkpoint, save_checkpoint
from edgeprune.models.inputs import random_inputs
from edgeprune.models.registry import build_model
from edgeprune.models.restore import restore_model
from edgeprune.models.row_map import MappedTable
from edgeprune.models.summary import count_params, summarise
from edgeprune.prune.api import prune_model
from edgeprune.prune.rows.apply import RowSettings, choose_for, map_rows, require_equal
from edgeprune.prune.rows.choice import choose_rows, shared_rows
from edgeprune.prune.rows.counts import count_ids

ARGS = {
    "num_classes": 1, "in_channels": 2, "rows": [40, 300], "dense": 3, "bag_rows": 9,
    "bag_length": 4,
}  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.integers(0, 50), min_size=2, max_size=60),
    fraction=st.floats(0.01, 0.99),
    tail=st.sampled_from(["shared", "hashed"]),
    padding=st.sampled_from([None, 0]),
)
def test_frequent_ids_keep_rows_and_the_rest_shares_means(counts, fraction, tail, padding) -> None:
    seen = torch.tensor(counts)
    choice = choose_rows(seen, fraction, tail, padding)
    weight = torch.randn(len(counts), 3, dtype=torch.float64)
    rows = shared_rows(weight, seen, choice)
    assert len(rows) == choice.rows
    assert torch.equal(rows[choice.row_of[choice.kept]], weight[choice.kept])
    assert len(set(choice.row_of[choice.kept].tolist())) == len(choice.kept)
    others = sorted(set(range(len(counts))) - set(choice.kept.tolist()))
    if others:
        least = min(
            counts[i] for i in choice.kept.tolist() if i != padding or len(choice.kept) == 1
        )
        assert max(counts[i] for i in others) <= least or padding is not None
    for row in set(choice.row_of[others].tolist()) if others else ():
        assert row >= len(choice.kept)
        mine = [i for i in others if choice.row_of[i] == row]
        votes = seen[mine].double() + (1e-9 if not seen[mine].any() else 0)
        mean = (weight[mine] * votes[:, None]).sum(0) / votes.sum()
        torch.testing.assert_close(rows[row], mean, rtol=1e-6, atol=1e-6)
    if padding is not None:
        assert (choice.row_of == choice.row_of[padding]).sum() == 1, "a row of its own"


def _batches(model: nn.Module, count: int = 3) -> list[tuple[Tensor, ...]]:
    """Most ids are small numbers, as with popular films."""
    found = []
    for number in range(count):
        generator = torch.Generator().manual_seed(number)
        ids, dense, bag = random_inputs(model.input_specs(), 64, generator)
        found.append((ids.square() // torch.tensor([40, 300]), dense, bag))
    return found


def _mapped(tail: str = "shared") -> tuple[nn.Module, nn.Module, list]:
    torch.manual_seed(0)
    model = build_model("dlrm_small", **ARGS).eval()
    counts = count_ids(model, _batches(model))
    assert counts["tables.1"].sum() == 3 * 64
    assert counts["words"][0] == 0, "padding"
    chosen = choose_for(model, counts, RowSettings(0.3, tail))
    assert list(chosen) == ["tables.1"], "the others are small"
    torch.manual_seed(0)
    smaller = build_model("dlrm_small", **ARGS).eval()
    tables = map_rows(smaller, counts, chosen)
    assert require_equal(model, smaller, chosen, _batches(model)) > 50
    return model, smaller, tables


@pytest.mark.parametrize("tail", ["shared", "hashed"])
def test_kept_ids_give_the_same_and_others_what_they_share(tail: str) -> None:
    model, smaller, (table,) = _mapped(tail)
    assert (table.ids, table.shared) == (300, 1 if tail == "shared" else 15)
    assert table.rows == 90 + table.shared
    assert table.map_bytes == 1200
    width = model.tables[1].embedding_dim
    assert count_params(model) - count_params(smaller) == (300 - table.rows) * width
    found = summarise(smaller, random_inputs(smaller.input_specs(), 1)).tables
    (mapped,) = [one for one in found if one.name == "tables.1"]
    assert (mapped.ids, mapped.rows, mapped.lookups) == (300, table.rows, 1)
    assert mapped.bytes == table.rows * width * 4 + 1200
    assert mapped.bytes_per_sample == width * 4 + 4
    before, after = model.tables[1], smaller.tables[1]
    ids = torch.arange(300)
    same = (before(ids) == after(ids)).all(1)
    assert 90 <= same.sum() < 100, "a shared row may be that of the one id of its that was seen"
    assert len(after(ids[~same]).unique(dim=0)) == table.shared


def test_a_wrong_map_is_caught() -> None:
    model, smaller, _ = _mapped()
    counts = count_ids(model, _batches(model))
    chosen = choose_for(model, counts, RowSettings(0.3))
    table = smaller.tables[1]
    table.row_of[[0, 1]] = table.row_of[[1, 0]]
    with pytest.raises(EdgepruneError, match="ids that kept theirs changed"):
        require_equal(model, smaller, chosen, _batches(model))
    with pytest.raises(EdgepruneError, match="ids that kept theirs changed"):
        require_equal(model, smaller, chosen, ())  # of samples that hold rare ids, too


def test_columns_go_files_restore_and_graphs_take_raw_ids(tmp_path: Path) -> None:
    _, smaller, (table,) = _mapped("hashed")
    inputs = random_inputs(smaller.input_specs(), 8)
    report = prune_model(smaller, inputs, pruning_ratio=0.4, round_to=1)
    assert report.equivalence.max_rel_error <= 1e-9
    assert smaller.tables[1].embedding_dim == smaller.tables[0].embedding_dim < 16
    save_checkpoint(tmp_path / "m.pt", checkpoint_of(smaller, arch="dlrm_small", arch_args=ARGS))
    back = restore_model(load_checkpoint(tmp_path / "m.pt"))
    assert isinstance(back.tables[1], MappedTable)
    assert torch.equal(back(*inputs), smaller.eval()(*inputs))
    export_onnx(back, inputs, tmp_path / "m.onnx")
    assert onnx_max_abs_error(tmp_path / "m.onnx", back, [inputs]) < 1e-5
    assert id_rows_of(tmp_path / "m.onnx")["ids"].rows == (40, 300)
    held = torch.load(tmp_path / "m.pt", weights_only=True)
    held["state_dict"]["tables.1.row_of"][7] = table.rows
    torch.save(held, tmp_path / "bad.pt")
    with pytest.raises(CorruptFileError, match=r"tables.1.row_of leads to rows"):
        restore_model(load_checkpoint(tmp_path / "bad.pt"))
    held["state_dict"]["head.row_of"] = held["state_dict"].pop("tables.1.row_of")
    torch.save(held, tmp_path / "bad.pt")
    with pytest.raises(CorruptFileError, match=r"head.row_of is of a table that"):
        restore_model(load_checkpoint(tmp_path / "bad.pt"))


class _Bags(nn.Module):
    """Its padding is none of the first rows."""

    def __init__(self, padding: int = 7) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(20, 4, mode="mean", padding_idx=padding)

    def forward(self, bag: Tensor) -> Tensor:
        means: Tensor = self.bag(bag)
        return means


def test_padding_is_still_left_out_of_a_restored_bag(tmp_path: Path) -> None:
    model, bag = _Bags().eval(), torch.tensor([[7, 7, 15, 3], [7, 19, 18, 17]])
    counts = {"bag": torch.arange(20)}
    map_rows(model, counts, choose_for(model, counts, RowSettings(0.5, min_rows=5)))
    assert model.bag.table.padding_idx == 0
    save_checkpoint(tmp_path / "m.pt", checkpoint_of(model, arch="bags", arch_args={}))
    back = restore_model(load_checkpoint(tmp_path / "m.pt"), _Bags)
    assert torch.equal(back(bag), model(bag))
    held = torch.load(tmp_path / "m.pt", weights_only=True)
    held["state_dict"]["bag.row_of"] = held["state_dict"]["bag.row_of"][:7]
    torch.save(held, tmp_path / "bad.pt")
    with pytest.raises(CorruptFileError, match=r"bag.row_of has no row for the table's padding"):
        restore_model(load_checkpoint(tmp_path / "bad.pt"), _Bags)


def test_what_cannot_share_rows() -> None:
    model = build_model("dlrm_small", **ARGS)
    counts = count_ids(model, _batches(model))
    with pytest.raises(UserInputError, match="no table of 500 rows or more"):
        choose_for(model, counts, RowSettings(0.5, min_rows=500))
    with pytest.raises(UserInputError, match="between 0 and 1"):
        RowSettings(1.0)
    tied = nn.Sequential(nn.Embedding(200, 4), nn.Linear(4, 200, bias=False))
    tied[1].weight = tied[0].weight
    counts = count_ids(tied, [(torch.randint(200, (8,)),)])
    with pytest.raises(UserInputError, match="the table '0' is the weight of '1' too"):
        choose_for(tied, counts, RowSettings(0.5))
    named_twice = nn.ModuleDict({"a": tied[0], "b": tied[0]})
    with pytest.raises(UserInputError, match="the table 'a' is the weight of 'b' too"):
        choose_for(named_twice, {"a": counts["0"]}, RowSettings(0.5))

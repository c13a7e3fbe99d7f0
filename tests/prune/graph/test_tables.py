"""Columns of tables that are looked up: who loses which with them, and that it is exact."""

from __future__ import annotations

import random

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from table_nets import Dots, Towers, random_table_network
from torch import Tensor, nn

from edgeprune.errors import BudgetMissedError
from edgeprune.models.inputs import InputSpec, random_inputs
from edgeprune.prune.api import prune_model
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.importance import score_channels


def _tensors(graph, name: str) -> list[str]:
    return [s.tensor for s in graph.groups[graph.group_index[name]].slices]


def test_a_product_of_two_tables_loses_columns_of_both(assert_exact, sizes) -> None:
    model = Towers()
    graph = assert_exact(model, *random_inputs(model.input_specs(), 2))
    assert sizes(graph) == {"gmf_user": 8, "mlp_user": 8, "mlp_item": 8, "first": 10}
    assert _tensors(graph, "gmf_user") == ["gmf_user.weight", "gmf_item.weight", "last.weight"]
    assert _tensors(graph, "mlp_item") == ["mlp_item.weight", "first.weight"]


def test_fields_of_dot_products_share_one_width(assert_exact, sizes) -> None:
    model = Dots()
    inputs = random_inputs(model.input_specs(), 2)
    graph = assert_exact(model, *inputs)
    assert sizes(graph) == {"tables.0": 8, "bottom.0": 6, "top.0": 10}
    assert _tensors(graph, "tables.0") == [
        *("tables.0.weight", "tables.1.weight", "genres.weight"),
        *("bottom.2.weight", "bottom.2.bias", "top.0.weight"),
    ]
    prune_model(model, inputs, pruning_ratio=0.5, round_to=1, global_pruning=False)
    assert model.bottom[2].out_features == model.genres.embedding_dim == 4
    assert model.top[0].in_features == 4 + 6, "as many dot products as before"


class Offsets(nn.Module):
    """Bags as 1-D ids and where each begins."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.bag, self.last = nn.EmbeddingBag(10, 8, mode=mode), nn.Linear(8, 3)

    def forward(self, ids: Tensor, offsets: Tensor, *weights: Tensor) -> Tensor:
        return self.last(self.bag(ids, offsets, *weights))


@pytest.mark.parametrize("mode", ["mean", "sum", "max", "weighted"])
def test_bags_with_offsets(sizes, mode) -> None:
    weights = (torch.rand(6),) if mode == "weighted" else ()
    inputs = (torch.randint(10, (6,)), torch.tensor([0, 2, 3]), *weights)
    model = Offsets("sum" if weights else mode)
    graph = find_channels(model, inputs)
    assert sizes(graph) == {"bag": 8}
    report = prune_model(model, inputs, pruning_ratio=0.5, round_to=1)
    assert report.equivalence.max_rel_error <= 1e-9
    assert model.bag.weight.shape == (10, 4)


class Twice(nn.Module):
    """One table for two columns."""

    def __init__(self, **settings: object) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(10, 8, **settings), nn.Linear(16, 3)

    def forward(self, ids: Tensor) -> Tensor:
        return self.last(torch.cat([self.table(ids[:, 0]), self.table(ids[:, 1])], 1))


def test_a_table_read_twice_takes_both_parts_of_its_reader(assert_exact) -> None:
    graph = assert_exact(Twice(padding_idx=0), torch.randint(10, (2, 2)))
    (table, reader) = graph.groups[0].slices
    assert (table.tensor, len(table.index)) == ("table.weight", 8)
    assert (reader.tensor, len(reader.index)) == ("last.weight", 16)


def test_max_norm_keeps_a_table_whole_and_says_so(sizes, reasons) -> None:
    graph = find_channels(Twice(max_norm=1.0), (torch.randint(10, (2, 2)),))
    assert sizes(graph) == {}
    assert "max_norm" in reasons(graph)["table"]


class Genres(nn.Module):
    """A bag alone; it says what it takes where `rows` are given."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.bag, self.last = nn.EmbeddingBag(7, 8, mode="sum", padding_idx=0), nn.Linear(8, 2)
        self.input_specs = lambda: (InputSpec("bag", "int64", (3,), (rows,) * 3 if rows else ()),)

    def forward(self, bag: Tensor) -> Tensor:
        return self.last(self.bag(bag))


def test_empty_bags_show_nothing_so_ids_are_drawn_where_rows_are_known() -> None:
    nothing = torch.zeros(1, 3, dtype=torch.int64)
    assert prune_model(Genres(7), nothing, pruning_ratio=0.3, round_to=1).equivalence.groups == 1
    with pytest.raises(BudgetMissedError, match="reachable: 0"):
        prune_model(Genres(0), nothing, pruning_ratio=0.3, round_to=1)


def test_a_table_counts_with_one_row_and_not_with_all() -> None:
    model = Towers(users=5000)
    with torch.no_grad():
        model.gmf_user.weight.normal_(generator=torch.Generator().manual_seed(0))
        model.gmf_item.weight[:, 3] *= 100
    graph = find_channels(model, random_inputs(model.input_specs(), 1))
    group = graph.group_index["gmf_user"]
    for kind in ("l2", "fpgm"):
        scores = score_channels(model, graph, kind)[group]
        assert scores.argmax() == 3
        assert scores[3] > 5 * sorted(scores)[-2], kind


@pytest.mark.parametrize("importance", ["l2", "taylor"])
@pytest.mark.parametrize(
    "optimiser",
    [
        lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        lambda model: torch.optim.SparseAdam([model.table.weight]),
        lambda model: torch.optim.Adagrad(model.parameters()),
    ],
)
def test_sparse_gradients_and_their_state_follow(optimiser, importance) -> None:
    torch.manual_seed(0)
    model, ids = Twice(sparse=True), torch.randint(10, (4, 2))
    optimizer = optimiser(model)
    model(ids).sum().backward()
    optimizer.step()
    before = model.table.weight.detach().clone()
    gradient = model.table.weight.grad.to_dense()
    prune_model(model, ids, pruning_ratio=0.5, round_to=1, optimizer=optimizer,
                importance=importance)  # fmt: skip
    kept = [int((before == column[:, None]).all(0).nonzero()) for column in model.table.weight.T]
    assert len(kept) == 4
    assert model.table.weight.grad.is_sparse
    assert torch.equal(model.table.weight.grad.to_dense(), gradient[:, kept])
    optimizer.zero_grad()
    model(ids).sum().backward()
    optimizer.step()


def test_taps_of_a_tower_know_their_channels() -> None:
    model = Towers()
    graph = find_channels(model, random_inputs(model.input_specs(), 1))
    group, channel = graph.module_channels("relu")
    assert set(group) == {graph.group_index["first"]}
    assert list(channel) == list(range(10))


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**31))
def test_random_networks_of_tables_are_exact(assert_exact, seed: int) -> None:
    torch.manual_seed(seed)
    model = random_table_network(random.Random(seed))
    assert_exact(model, *random_inputs(model.input_specs(), 2))

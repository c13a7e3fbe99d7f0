"""The cost model against the real thing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgeprune.models.summary import count_macs, count_params
from edgeprune.prune.cost import CostModel
from edgeprune.prune.graph.trace import trace_channels
from edgeprune.prune.surgery import remove_channels


@pytest.mark.parametrize("name", ["residual", "flattened"])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_costs_equal_those_of_the_network_after_surgery(subjects, name, seed):
    subject = subjects[name]
    model = subject.fresh()
    costs = CostModel.of(model, subject.graph)
    removal = subject.random_removal(seed)
    remove_channels(model, subject.graph, removal)
    assert costs.params(removal) == costs.params(removal.counts) == count_params(model)
    assert costs.macs(removal) == count_macs(model, subject.inputs)


def test_many_removals_at_once_are_those_one_by_one(residual):
    costs = CostModel.of(residual.fresh(), residual.graph)
    counts = np.array([[0] * costs.groups, [1] * costs.groups, [3] * costs.groups])
    together = costs.params_and_macs(counts)
    assert together[:, 0].tolist() == [costs.params(row) for row in counts]
    assert together[:, 1].tolist() == [costs.macs(row) for row in counts]


def test_only_parameters_count_as_size(residual):
    model = residual.fresh()
    assert CostModel.of(model, residual.graph).params() == count_params(model)
    # Without the model, running statistics are told by their names.
    assert CostModel(residual.graph).params() == count_params(model)


def test_tied_weights_count_once():
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter = nn.Linear(4, 6)
            self.a = nn.Linear(6, 6)
            self.b = nn.Linear(6, 6)
            self.b.weight = self.a.weight
            self.leave = nn.Linear(6, 3)

        def forward(self, x):
            return self.leave(torch.relu(self.b(torch.relu(self.a(self.enter(x))))))

    model = Tied()
    inputs = (torch.randn(2, 4),)
    costs = CostModel.of(model, trace_channels(model, inputs))
    assert costs.params() == count_params(model)
    assert costs.macs() == count_macs(model, inputs)

"""The proof: it holds for right removals and must fail for wrong ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from edgeprune.errors import UserInputError
from edgeprune.prune import trial
from edgeprune.prune.equivalence import (
    Equivalence,
    RemovalNotEqualError,
    prove,
    worst_of,
)
from edgeprune.prune.graph.trace import trace_channels
from edgeprune.prune.removal import Removal, make_removal


def _rolled(graph, group_name, tensor, axis):
    """The graph with one tensor's channels shifted by one: the wrong slices are cut."""

    def change(slices):
        if (slices.tensor, slices.axis) != (tensor, axis):
            return slices
        return replace(slices, channel=np.roll(slices.channel, 1))

    return _edited(graph, group_name, lambda slices: [change(s) for s in slices])


def _without(graph, group_name, tensor):
    """The graph of a discovery that forgot a tensor."""
    return _edited(graph, group_name, lambda slices: [s for s in slices if s.tensor != tensor])


def _edited(graph, group_name, edit):
    groups = list(graph.groups)
    number = graph.group_index[group_name]
    groups[number] = replace(groups[number], slices=tuple(edit(groups[number].slices)))
    return replace(graph, groups=tuple(groups))


@pytest.mark.parametrize("name", ["residual", "flattened"])
@pytest.mark.parametrize("seed", range(3))
def test_random_removals_equal_masking(subjects, name, seed):
    subject = subjects[name]
    removal = subject.random_removal(seed)
    proof = prove(subject.fresh(), subject.graph, removal, subject.inputs)
    assert proof.dtype == "float64"
    assert proof.max_rel_error <= 1e-12
    assert proof.groups == len(removal.touched())
    assert proof.inexact_groups == ()


WRONG = {
    "wrong consumer slice": lambda graph: _rolled(graph, "inner", "outer.weight", 1),
    "wrong producer slice": lambda graph: _rolled(graph, "inner", "inner.weight", 0),
    "wrong norm shift": lambda graph: _rolled(graph, "inner", "inner_bn.bias", 0),
    "wrong running mean": lambda graph: _rolled(graph, "inner", "inner_bn.running_mean", 0),
    "wrong running variance": lambda graph: _rolled(graph, "inner", "inner_bn.running_var", 0),
    "forgotten norm shift": lambda graph: _without(graph, "inner", "inner_bn.bias"),
    "forgotten consumer": lambda graph: _without(graph, "inner", "outer.weight"),
    "forgotten running mean": lambda graph: _without(graph, "inner", "inner_bn.running_mean"),
}


@pytest.mark.parametrize("bug", WRONG)
def test_a_wrong_removal_is_refuted(residual, bug):
    """On fresh weights, whose norms hold only zeros and ones: redrawing is what reveals it."""
    graph = WRONG[bug](residual.graph)
    with pytest.raises(RemovalNotEqualError) as refusal:
        prove(residual.fresh(), graph, residual.remove(inner=[2, 7]), residual.inputs)
    assert [culprit.layer for culprit in refusal.value.culprits] == ["inner"]
    assert "ignored_layers" in str(refusal.value)


def test_only_the_culprit_is_named(residual):
    graph = WRONG["wrong consumer slice"](residual.graph)
    removal = residual.remove(inner=[2], stem=[0], project=[1, 2])
    with pytest.raises(RemovalNotEqualError) as refusal:
        prove(residual.fresh(), graph, removal, residual.inputs)
    assert [culprit.layer for culprit in refusal.value.culprits] == ["inner"]
    assert "differs from masking" in refusal.value.culprits[0].reason
    without = removal.restricted_to([graph.group_index["stem"], graph.group_index["project"]])
    assert prove(residual.fresh(), graph, without, residual.inputs).groups == 2


def test_several_culprits_are_all_named(residual):
    graph = WRONG["forgotten consumer"](residual.graph)
    graph = _rolled(graph, "project", "fc.weight", 1)
    removal = residual.remove(inner=[2], stem=[0], project=[1, 2])
    with pytest.raises(RemovalNotEqualError, match="and 1 more") as refusal:
        prove(residual.fresh(), graph, removal, residual.inputs)
    assert {culprit.layer for culprit in refusal.value.culprits} == {"inner", "project"}


def test_a_proof_that_shows_nothing_fails():
    class DeadEnd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(4, 6)
            self.b = nn.Linear(6, 6)
            self.c = nn.Linear(4, 3)

        def forward(self, x):
            return self.c(x) + 0.0 * self.b(torch.relu(self.a(x))).sum()

    model, inputs = DeadEnd(), (torch.randn(2, 4),)
    graph = trace_channels(model, inputs)
    number = next(i for i, g in enumerate(graph.groups) if g.name == "a")
    gone = make_removal([[0] if i == number else [] for i in range(len(graph.groups))])
    with pytest.raises(RemovalNotEqualError, match="proves nothing"):
        prove(model, graph, gone, inputs)


def test_a_unit_that_happens_to_be_shut_is_drawn_again():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    inputs = (torch.randn(1, 4),)
    graph = trace_channels(model, inputs)
    for channel in range(6):  # about half of them are shut for the one sample
        assert prove(model, graph, make_removal([[channel]]), inputs).groups == 1


def test_biases_that_are_all_negative_do_not_hide_a_layer():
    # With small inputs they shut every ReLU, whichever magnitudes are drawn.
    class Small(nn.Module):
        def forward(self, x):
            return 1e-3 * nn.functional.normalize(x)

    model = nn.Sequential(
        nn.Linear(6, 8), nn.ReLU(), Small(), nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2)
    )
    with torch.no_grad():
        model[3].bias.copy_(-model[3].bias.abs())
    graph = trace_channels(model, (torch.randn(1, 6),))
    gone = [np.arange(group.size // 2) for group in graph.groups]
    equivalence = prove(model, graph, make_removal(gone), (torch.randn(1, 6),))
    assert equivalence.max_rel_error <= 1e-9


def test_a_zero_head_proves_nothing_by_itself_but_redrawn_it_does(residual):
    model = residual.fresh()
    nn.init.zeros_(model.fc.weight)
    nn.init.zeros_(model.fc.bias)
    proof = prove(model, residual.graph, residual.remove(inner=[1]), residual.inputs)
    assert proof.groups == 1
    with pytest.raises(RemovalNotEqualError):
        prove(
            model, WRONG["wrong consumer slice"](residual.graph), residual.remove(inner=[1]),
            residual.inputs,
        )  # fmt: skip


def test_constant_inputs_are_replaced(residual):
    proof = prove(
        residual.fresh(), residual.graph, residual.remove(stem=[1]), (torch.zeros(1, 3, 8, 8),)
    )
    assert proof.max_rel_error < 1e-12


def test_inexact_groups_are_listed_and_not_claimed():
    class Mlp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(4, 16)
            self.norm = nn.LayerNorm(16)
            self.b = nn.Linear(16, 12)
            self.c = nn.Linear(12, 3)

        def forward(self, x):
            return self.c(torch.relu(self.b(self.norm(self.a(x)))))

    model, inputs = Mlp(), (torch.randn(2, 4),)
    graph = trace_channels(model, inputs)
    assert [(g.name, bool(g.exact)) for g in graph.groups] == [("a", False), ("b", True)]
    both = prove(model, graph, make_removal([[0], [1]]), inputs)
    assert both.groups == 1
    assert both.inexact_groups == ("a",)
    assert both.max_rel_error < 1e-12
    alone = prove(model, graph, make_removal([[0], []]), inputs)
    assert alone.groups == 0
    assert alone.max_rel_error is None
    broken = _without(graph, "a", "norm.weight")
    with pytest.raises(RemovalNotEqualError, match="'a'"):
        prove(model, broken, make_removal([[0], [1]]), inputs)


def test_a_network_that_insists_on_float32_is_compared_in_float32():
    class Insists(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(4, 8)
            self.b = nn.Linear(8, 3)

        def forward(self, x):
            return self.b(torch.relu(self.a(x)).float())

    model, inputs = Insists(), (torch.randn(2, 4),)
    graph = trace_channels(model, inputs)
    proof = prove(model, graph, make_removal([[0, 1]]), inputs)
    assert proof.dtype == "float32"
    assert proof.max_rel_error <= 1e-5


def test_without_memory_for_float64_it_says_float32(residual, monkeypatch):
    monkeypatch.setattr("edgeprune.prune.arithmetic.free_bytes", lambda _: 1000)
    proof = prove(residual.fresh(), residual.graph, residual.remove(stem=[1]), residual.inputs)
    assert proof.dtype == "float32"
    assert proof.max_rel_error <= 1e-5


def test_the_model_and_the_random_state_are_untouched(residual):
    model = residual.fresh().train()
    model.bn.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    prove(model, residual.graph, residual.random_removal(1), residual.inputs)
    assert torch.equal(torch.rand(3), expected)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(before[n], t) for n, t in model.state_dict().items())


def test_autocast_around_it_changes_nothing(residual):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        proof = prove(residual.fresh(), residual.graph, residual.remove(stem=[1]), residual.inputs)
    assert proof.max_rel_error < 1e-12


def test_a_network_that_stops_training_is_refuted(residual):
    """Widths that only training mode reads, as auxiliary heads have them."""

    class Strict(type(residual.fresh())):
        def forward(self, x):
            if self.training and self.inner.out_channels != 12:
                raise ValueError("auxiliary head of another width")
            return super().forward(x)

    with pytest.raises(RemovalNotEqualError, match="training mode"):
        prove(Strict(), residual.graph, residual.remove(inner=[0]), residual.inputs)


def test_a_wrong_removal_of_real_weights_only_is_refuted(residual, monkeypatch):
    """The second run counts too."""
    monkeypatch.setattr(trial.Trial, "tolerance", property(lambda self: self.limit), raising=False)
    monkeypatch.setattr(trial.Trial, "limit", 1e-9, raising=False)
    use_real = trial.Trial.use_real_weights

    def strict(self):
        use_real(self)
        self.limit = -1.0

    monkeypatch.setattr(trial.Trial, "use_real_weights", strict)
    with pytest.raises(RemovalNotEqualError, match="the network's own weights"):
        prove(residual.fresh(), residual.graph, residual.remove(inner=[0]), residual.inputs)


def test_inputs_that_do_not_fit_are_the_users(residual):
    with pytest.raises(UserInputError, match="does not run on the example inputs"):
        prove(
            residual.fresh(), residual.graph, residual.remove(inner=[0]), (torch.rand(2, 4, 8, 8),)
        )


def test_a_removal_of_another_graph_is_refused(residual):
    with pytest.raises(UserInputError):
        prove(residual.fresh(), residual.graph, Removal(()), residual.inputs)


def test_the_worst_of_several_proofs():
    first = Equivalence(1e-12, 1e-13, "float64", 4, ())
    second = Equivalence(1e-7, 1e-6, "float32", 3, ("a",))
    third = Equivalence(None, None, "float64", 0, ("a", "b"))
    assert worst_of([first, second, third]) == Equivalence(1e-7, 1e-6, "float32", 4, ("a", "b"))
    assert worst_of([third]) == third
    assert worst_of([]) is None

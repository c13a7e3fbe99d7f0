"""Pruning in one call: real networks, budgets, reports, and nothing half done."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import DenseNet

from edgeprune.errors import BudgetMissedError, EdgepruneError, UserInputError
from edgeprune.models.registry import build_model
from edgeprune.models.summary import count_macs, count_params
from edgeprune.prune import api
from edgeprune.prune.api import prune_model


def _densenet(num_classes: int) -> nn.Module:
    return DenseNet(growth_rate=8, block_config=(2, 2), num_init_features=16,
                    num_classes=num_classes)  # fmt: skip


NETWORKS = {
    "wrn_10_1": lambda: build_model("wrn_10_1", num_classes=7),
    "cifar_vgg11_bn": lambda: build_model("cifar_vgg11_bn", num_classes=7),
    "resnet18": lambda: build_model("resnet18", num_classes=7),
    "mobilenet_v2": lambda: build_model("mobilenet_v2", num_classes=7),
    "densenet": lambda: _densenet(7),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_get_smaller_and_stay_themselves(name):
    torch.manual_seed(0)
    model = NETWORKS[name]().train()
    inputs = torch.randn(2, 3, 32, 32)
    before = count_params(model), count_macs(model, (inputs,))
    report = prune_model(model, inputs, target_params=0.5, target_macs=0.55)
    assert model.training
    assert report.equivalence.dtype == "float64"
    assert report.equivalence.max_rel_error <= 1e-9
    assert (report.params_before, report.macs_before) == before
    assert report.params == count_params(model) <= 0.5 * before[0]
    assert report.macs == count_macs(model, (inputs,)) <= 0.55 * before[1]
    assert any(group.after < group.before for group in report.groups)
    assert model(inputs).shape == (2, 7)
    model(inputs).sum().backward()
    assert model.eval()(inputs).shape == (2, 7)


def test_the_report_is_plain_and_complete(residual):
    report = prune_model(residual.fresh(), residual.inputs, pruning_ratio=0.3, round_to=1)
    values = json.loads(json.dumps(report.as_dict()))
    assert values["params"] == report.params
    assert values["equivalence"]["groups"] == report.equivalence.groups
    assert {"layer", "reason"} == set(values["skipped"][0])
    assert values["targets"][0]["name"] == "pruning_ratio"
    assert values["targets"][0]["reached"] >= 0.3
    assert values["size_reduction"] == pytest.approx(1 - report.params / report.params_before)


def test_frozen_networks_are_pruned_and_stay_frozen(residual):
    model = residual.fresh()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    report = prune_model(model, residual.inputs, pruning_ratio=0.4, round_to=1)
    assert report.params < report.params_before
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_every_modules_mode_is_as_before(residual):
    model = residual.fresh().train()
    model.bn.eval()
    modes = [module.training for module in model.modules()]
    prune_model(model, residual.inputs, pruning_ratio=0.3, round_to=1)
    assert [module.training for module in model.modules()] == modes


def test_running_statistics_are_not_moved(residual):
    model = residual.fresh().train()
    prune_model(model, residual.inputs, pruning_ratio=0.3, round_to=1)
    assert model.bn.num_batches_tracked == 0
    assert not model.bn.running_mean.any()


def test_training_goes_on_with_the_optimiser(residual, trained_step):
    model = residual.fresh()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    trained_step(model, optimizer, residual.inputs)
    prune_model(
        model, residual.inputs, pruning_ratio=0.4, round_to=1, importance="taylor",
        optimizer=optimizer,
    )  # fmt: skip
    before = model.fc.weight.clone()
    trained_step(model, optimizer, residual.inputs)
    assert not torch.equal(model.fc.weight, before)
    assert optimizer.state[model.fc.weight]["exp_avg"].shape == model.fc.weight.shape


def test_pruned_networks_can_be_pruned_again(residual):
    model = residual.fresh()
    first = prune_model(model, residual.inputs, target_params=0.7, round_to=1)
    second = prune_model(model, residual.inputs, target_params=0.7, round_to=1)
    assert second.params_before == first.params > second.params


def test_ignored_layers_keep_their_width(residual):
    model = residual.fresh()
    report = prune_model(
        model, residual.inputs, pruning_ratio=0.3, round_to=1, ignored_layers=["stem"]
    )
    assert model.stem.out_channels == 8
    assert any(entry.layer == "stem" for entry in report.skipped)


def test_groups_without_a_norm_are_named_when_norms_decide(residual):
    report = prune_model(
        residual.fresh(), residual.inputs, pruning_ratio=0.2, round_to=1, importance="bn"
    )
    reasons = {entry.layer: entry.reason for entry in report.skipped}
    assert "'bn' finds nothing" in reasons["project"]
    assert next(g for g in report.groups if g.name == "project").after == 16


def test_a_group_that_cannot_be_proved_is_skipped_and_others_make_up_for_it(residual, monkeypatch):
    def faulty(*_, **__):
        graph = residual.graph
        groups = list(graph.groups)
        number = graph.group_index["inner"]
        slices = tuple(
            replace(s, channel=np.roll(s.channel, 1)) if s.tensor == "outer.weight" else s
            for s in groups[number].slices
        )
        groups[number] = replace(groups[number], slices=slices)
        return replace(graph, groups=tuple(groups))

    monkeypatch.setattr(api, "find_channels", faulty)
    model = residual.fresh()
    report = prune_model(model, residual.inputs, pruning_ratio=0.3, round_to=1)
    assert model.inner.out_channels == 12
    assert "differs from masking" in next(e.reason for e in report.skipped if e.layer == "inner")
    assert report.targets[0].reached >= 0.3
    assert report.equivalence.max_rel_error < 1e-9


def _unchanged(model, before):
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("training", [False, True])
def test_budgets_out_of_reach_change_nothing(residual, training):
    model = residual.fresh().train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(BudgetMissedError, match=r"target_params 0.001 \(reachable: 0\.\d+\)"):
        prune_model(model, residual.inputs, target_params=0.001)
    _unchanged(model, before)
    assert model.training is training


def test_a_failure_after_surgery_rolls_back(residual, monkeypatch):
    model = residual.fresh()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    monkeypatch.setattr(api, "count_params", lambda _: -1)
    with pytest.raises(EdgepruneError, match="please report"):
        prune_model(model, residual.inputs, pruning_ratio=0.3, round_to=1)
    _unchanged(model, before)
    assert model.inner.out_channels == 12


def test_networks_with_state_outside_their_modules_are_rolled_back(residual):
    """The copies agree, the real one fails: its forward depends on an object outside."""

    class Counted(type(residual.fresh())):
        calls = 0

        def forward(self, x):
            if self.inner.out_channels != 12 and self is Counted.real:
                raise ValueError("the real one")
            return super().forward(x)

    model = Counted.real = Counted()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ValueError, match="the real one"):
        prune_model(model, residual.inputs, pruning_ratio=0.3, round_to=1)
    _unchanged(model, before)
    assert model(*residual.inputs).shape == (2, 5)


def test_nothing_to_do_is_an_error_not_a_silence(residual):
    with pytest.raises(UserInputError, match="met already"):
        prune_model(residual.fresh(), residual.inputs, target_params=1.0)


@pytest.mark.parametrize("inputs", [(), "images", ([1.0],), {"x": torch.zeros(1)}])
def test_inputs_must_be_tensors(residual, inputs):
    with pytest.raises(UserInputError, match="example_inputs"):
        prune_model(residual.fresh(), inputs, pruning_ratio=0.3)


def test_the_package_offers_it():
    import edgeprune

    assert edgeprune.prune_model is prune_model
    assert edgeprune.PruneReport is api.PruneReport


def test_half_precision_networks_are_proved_in_double(residual):
    model = residual.fresh().to(torch.bfloat16)
    inputs = residual.inputs[0].to(torch.bfloat16)
    report = prune_model(model, inputs, pruning_ratio=0.3, round_to=1)
    assert report.equivalence.dtype == "float64"
    assert report.equivalence.max_rel_error < 1e-9
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert model(inputs).dtype == torch.bfloat16


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_networks_on_a_gpu_stay_there(residual):
    model = residual.fresh().cuda()
    inputs = residual.inputs[0].cuda()
    report = prune_model(model, inputs, pruning_ratio=0.3, round_to=1)
    assert report.equivalence.max_rel_error < 1e-9
    assert {parameter.device.type for parameter in model.parameters()} == {"cuda"}

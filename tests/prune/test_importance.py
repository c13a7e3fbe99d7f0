"""Importance scores against slow and plain re-computations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgeprune.errors import UserInputError
from edgeprune.prune import criteria
from edgeprune.prune.importance import IMPORTANCE_KINDS, score_channels


def _plain_group_norm(subject, model, number, order):
    group = subject.graph.groups[number]
    total = np.zeros(group.size)
    for slices in group.slices:
        parameter = dict(model.named_parameters()).get(slices.tensor)
        if parameter is None or slices.tensor.endswith("bias"):
            continue
        for position, channel in zip(slices.index, slices.channel, strict=True):
            piece = parameter.detach().select(slices.axis, int(position)).double()
            total[channel] += float(piece.abs().pow(order).sum())
    norm = total ** (1 / order)
    return norm / norm.mean()


@pytest.mark.parametrize("name", ["residual", "flattened"])
@pytest.mark.parametrize(("kind", "order"), [("l1", 1), ("l2", 2)])
def test_norms_sum_over_everything_a_channel_owns(subjects, name, kind, order, monkeypatch):
    subject = subjects[name]
    model = subject.fresh()
    for chunk in (7, 2**17):  # many chunks, and one
        monkeypatch.setattr(criteria, "_CHUNK", chunk)
        scores = score_channels(model, subject.graph, kind)
        for number, score in enumerate(scores):
            np.testing.assert_allclose(
                score, _plain_group_norm(subject, model, number, order), rtol=1e-5
            )


@pytest.mark.parametrize("kind", IMPORTANCE_KINDS)
def test_every_kind_gives_a_finite_mean_of_one(residual, kind):
    model = residual.fresh()
    model(*residual.inputs).square().mean().backward()
    for group, score in zip(
        residual.graph.groups, score_channels(model, residual.graph, kind), strict=True
    ):
        assert score.shape == (group.size,)
        if kind == "bn" and np.isnan(score).all():
            continue
        assert (score >= 0).all()
        if kind != "saliency":
            assert score.mean() == pytest.approx(1.0)
    if kind == "saliency":
        every = np.concatenate(score_channels(model, residual.graph, kind))
        assert every.mean() == pytest.approx(1.0)


def test_taylor_is_the_product_of_weight_and_gradient(flattened):
    model = flattened.fresh()
    gradients = {name: torch.randn_like(p) for name, p in model.named_parameters()}
    score = score_channels(model, flattened.graph, "taylor", gradients=[gradients])[
        flattened.group("hidden")
    ]
    product = {n: (p.detach() * gradients[n]).double() for n, p in model.named_parameters()}
    plain = product["hidden.weight"].sum(1).abs() + product["fc.weight"].sum(0).abs()
    np.testing.assert_allclose(score, (plain / plain.mean()).numpy(), rtol=1e-5)


def test_taylor_says_nothing_about_frozen_groups(flattened):
    model = flattened.fresh()
    gradients = {"first.weight": torch.ones_like(model.first.weight)}
    scores = score_channels(model, flattened.graph, "taylor", gradients=[gradients])
    assert np.isnan(scores[flattened.group("hidden")]).all()
    assert np.isfinite(scores[flattened.group("first")]).all()


@pytest.mark.parametrize("kind", ["taylor", "saliency"])
def test_without_gradients_it_says_what_to_do(residual, kind):
    with pytest.raises(UserInputError, match="run backward"):
        score_channels(residual.fresh(), residual.graph, kind)


def test_saliency_is_the_derivative_of_a_gate_on_the_channel(residual):
    """The loss's derivative along silencing one channel at all its readers, over batches."""
    model = residual.fresh().eval().double()
    batches = [torch.randn(2, 3, 8, 8, dtype=torch.float64) for _ in range(3)]
    gradients = []
    for batch in batches:
        model.zero_grad()
        model(batch).square().mean().backward()
        gradients.append({n: p.grad.clone() for n, p in model.named_parameters()})
    scores = score_channels(model, residual.graph, "saliency", gradients=gradients)
    inner = scores[residual.group("inner")]
    with torch.no_grad():
        changes = np.zeros((3, 12))
        for channel in range(12):
            for number, batch in enumerate(batches):
                step = 1e-6
                weight = model.outer.weight[:, channel].clone()
                before = model(batch).square().mean()
                model.outer.weight[:, channel] = weight * (1 - step)
                changes[number, channel] = float(model(batch).square().mean() - before) / step
                model.outer.weight[:, channel] = weight
    expected = np.abs(changes).mean(0)
    np.testing.assert_allclose(inner / inner.mean(), expected / expected.mean(), rtol=1e-3)


def test_saliency_tells_groups_apart(residual):
    """A group whose readers hardly matter scores low as a whole, which a norm cannot see."""
    model = residual.fresh().eval()
    with torch.no_grad():
        model.outer.weight.mul_(1e-3)
    model(*residual.inputs).square().mean().backward()
    scores = score_channels(model, residual.graph, "saliency")
    assert scores[residual.group("inner")].max() < 0.05
    assert scores[residual.group("project")].mean() > 1


def test_bn_scale_reads_the_norms_and_nothing_else(residual):
    model = residual.fresh()
    with torch.no_grad():
        model.inner_bn.weight.copy_(-torch.arange(12.0))
    scores = score_channels(model, residual.graph, "bn")
    np.testing.assert_allclose(scores[residual.group("inner")], np.arange(12) / 5.5)
    assert np.isnan(scores[residual.group("project")]).all()


def test_fpgm_finds_the_filter_in_the_middle(residual):
    model = residual.fresh()
    with torch.no_grad():
        model.inner.weight.normal_()
        model.inner.weight[5] = model.inner.weight.median(dim=0).values
    score = score_channels(model, residual.graph, "fpgm")[residual.group("inner")]
    assert score.argmin() == 5


def test_random_depends_on_the_seed_alone(residual):
    model = residual.fresh()
    first = score_channels(model, residual.graph, "random", seed=3)
    torch.rand(5)
    again = score_channels(model, residual.graph, "random", seed=3)
    other = score_channels(model, residual.graph, "random", seed=4)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_dead_groups_score_zero(residual):
    model = residual.fresh()
    with torch.no_grad():
        for name in ("inner.weight", "inner_bn.weight", "outer.weight"):
            model.get_parameter(name).zero_()
    assert (score_channels(model, residual.graph)[residual.group("inner")] == 0).all()


def test_weights_that_are_not_finite_are_refused(residual):
    model = residual.fresh()
    with torch.no_grad():
        model.inner.weight[0, 0] = float("nan")
    with pytest.raises(UserInputError, match="not finite"):
        score_channels(model, residual.graph)


def test_an_unknown_kind_is_refused(residual):
    with pytest.raises(UserInputError, match="use one of l2, l1"):
        score_channels(residual.fresh(), residual.graph, "magic")


def test_frozen_parameters_count_like_others(residual):
    model = residual.fresh()
    free = score_channels(model, residual.graph)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    frozen = score_channels(model, residual.graph)
    assert all((a == b).all() for a, b in zip(free, frozen, strict=True))
    assert isinstance(model.stem.weight, nn.Parameter)

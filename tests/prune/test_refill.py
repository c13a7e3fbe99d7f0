"""Densities of channels against a plain count, and masks that give their weights back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgeprune.prune.masks import MaskSet
from edgeprune.prune.refill import channel_densities, score_survivors


@pytest.mark.parametrize("name", ["residual", "flattened"])
def test_a_density_counts_every_weight_that_a_channel_owns(subjects, name):
    subject = subjects[name]
    masks = MaskSet.for_weights(subject.fresh())
    masks.shrink_to(subject.fresh(), 0.3)
    keep = masks.state_dict()
    for group, densities in zip(
        subject.graph.groups, channel_densities(keep, subject.graph), strict=True
    ):
        for channel in range(group.size):
            left = owned = 0
            for slices in group.slices:
                for position in slices.index[slices.channel == channel]:
                    if slices.tensor in keep:
                        piece = keep[slices.tensor].select(slices.axis, int(position))
                        left, owned = left + int(piece.sum()), owned + piece.numel()
            assert densities[channel] == pytest.approx(left / owned)


def test_scores_rank_as_densities_do_and_have_a_mean_of_one(residual):
    masks = MaskSet.for_weights(residual.fresh())
    masks.shrink_to(residual.fresh(), 0.3)
    keep = masks.state_dict()
    for density, score in zip(
        channel_densities(keep, residual.graph), score_survivors(keep, residual.graph), strict=True
    ):
        np.testing.assert_array_equal(np.argsort(score), np.argsort(density))
        assert score.mean() == pytest.approx(1.0)


def test_without_a_mask_nothing_is_said(residual):
    assert all(np.isnan(found).all() for found in channel_densities({}, residual.graph))


def test_held_weights_come_back_and_the_others_stay(residual):
    model, other = residual.fresh(), residual.build()
    masks = MaskSet.for_weights(model)
    masks.shrink_to(model, 0.4)
    masks.apply(model)
    kept = masks.state_dict()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    masks.refill(model, other.state_dict())
    for name, tensor in model.state_dict().items():
        expected = before[name]
        if name in kept:
            expected = torch.where(kept[name], expected, other.state_dict()[name])
        assert torch.equal(tensor, expected)

"""A student on its way from the original network to the delivered one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from edgeprune.models.attributes import apply_attributes, attributes_of
from edgeprune.models.resize import resize_parameters
from edgeprune.models.versions import load_weights
from edgeprune.prune.masks import MaskSet
from edgeprune.prune.tickets import KeptIndex, shared_names
from edgeprune.train.fake_layers import FakeLayers
from edgeprune.train.memory_layout import lay_out


class Student:
    """The network as it is now, and how it descends from the original.

    Args:
        build: makes the original network, with the same weights every time.

    Attributes:
        module: the network; widths change by surgery.
        kept: the original positions that are left.
        masks: weights held at zero (weight and 2:4 granularity), or None.
        fake: INT8 arithmetic that the network's layers simulate, or None.
    """

    def __init__(self, build: Callable[[], nn.Module]) -> None:
        self._build = build
        self.module = build()
        self._aliases = shared_names(self.module)
        self.kept = KeptIndex()
        self.masks: MaskSet | None = None
        self.fake: FakeLayers | None = None
        lay_out(self.module)

    def weights(self) -> dict[str, Tensor]:
        """A copy of the present state_dict."""
        return {name: tensor.detach().clone() for name, tensor in self.module.state_dict().items()}

    def rewind(self, original: Mapping[str, Tensor]) -> None:
        """Load the original-size weights `original`, restricted to what is left."""
        self.load_present(self.kept.restrict(original, self._aliases))

    def load_present(self, weights: Mapping[str, Tensor]) -> None:
        """Load weights of the present size; masked ones stay zero."""
        load_weights(self.module, weights)
        self.hold()

    def hold(self, optimizer: torch.optim.Optimizer | None = None) -> None:
        """After a step: masked weights, and their momentum, are zero, and scales are positive."""
        if self.masks is not None:
            self.masks.apply(self.module, optimizer)
        if self.fake is not None:
            self.fake.keep_positive()

    def refill(self, original: Mapping[str, Tensor]) -> None:
        """Give masked weights their values in the original-size `original`; nothing is masked."""
        assert self.masks is not None, "nothing is masked"
        self.masks.refill(self.module, self.kept.restrict(original, self._aliases))
        self.masks = None

    def quantise(self, scales: Mapping[str, float]) -> None:
        """Have the layers named by `scales` compute as INT8, until `dequantise`."""
        self.fake = FakeLayers(scales).to(next(self.module.parameters()).device)
        self.fake.attach(self.module)

    def dequantise(self) -> dict[str, float]:
        """Have all layers compute plainly again; returns the input scales as they are now."""
        assert self.fake is not None, "quantise comes first"
        self.fake.detach()
        scales, self.fake = self.fake.input_scales(), None
        return scales

    def snapshot(self) -> dict[str, Any]:
        """Widths, weights, lineage, masks and scales, as plain values and tensors."""
        return {
            "attributes": attributes_of(self.module),
            "weights": self.weights(),
            "kept": self.kept.as_dict(),
            "masks": None if self.masks is None else self.masks.state_dict(),
            "scales": None if self.fake is None else self.fake.input_scales(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Become the network of `snapshot`."""
        device = next(self.module.parameters()).device
        self.module = self._build()
        apply_attributes(self.module, snapshot["attributes"])
        resize_parameters(self.module, snapshot["weights"])
        load_weights(self.module, snapshot["weights"])
        self.module.to(device)
        lay_out(self.module)
        self.kept = KeptIndex.from_dict(snapshot["kept"])
        masks = snapshot["masks"]
        self.masks = None if masks is None else MaskSet.from_state_dict(masks)
        self.fake = None
        scales = snapshot.get("scales")  # states of earlier versions do not have it
        if scales is not None:
            self.quantise(scales)

    def copy(self) -> Student:
        """An independent student with the same network and lineage."""
        other = Student(self._build)
        other.restore(self.snapshot())
        return other


def seeded(build: Callable[[], nn.Module], seed: int) -> Callable[[], nn.Module]:
    """`build` with fresh weights drawn from `seed`, leaving the global generator alone."""

    def make() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return build()

    return make

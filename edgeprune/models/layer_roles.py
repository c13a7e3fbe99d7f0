"""Which convolutions and linear layers read the network's inputs, and which give its outputs.

Precision and sparsity are dear there: the first layer has few channels and the last one decides.
They are found by how the network runs, not by name or order: between layers every tensor is cut
off, so a gradient that still reaches from one end to a layer passed through no other layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from edgeprune.models.modes import evaluating

WEIGHTED: Final = (nn.modules.conv._ConvNd, nn.Linear)


def owns_its_weight(layer: nn.Module) -> bool:
    """Whether a layer's weight is a parameter of its own, not computed (as by weight norm)."""
    return "weight" in layer._parameters


@dataclass(frozen=True)
class LayerRoles:
    """Module paths of convolutions (transposed ones too) and linear layers.

    Attributes:
        ran: those whose module was called, in the order of their first call. A layer whose
            weights are used without a call (the output projection of `nn.MultiheadAttention`) is
            not among them.
        reads_inputs: those that an input reaches through no other layer.
        gives_outputs: those that reach an output through no other layer.
    """

    ran: tuple[str, ...]
    reads_inputs: frozenset[str]
    gives_outputs: frozenset[str]

    @property
    def inner(self) -> tuple[str, ...]:
        """Those that ran and are at neither end."""
        return tuple(p for p in self.ran if p not in self.reads_inputs | self.gives_outputs)


@torch.enable_grad()
def layer_roles(model: nn.Module, inputs: tuple[Tensor, ...]) -> LayerRoles:
    """Run `model` once in eval mode, leaving its mode and state as they were.

    Args:
        inputs: what it is called with, on its device; those of whole numbers are no images.
    """
    images = [t.detach().clone().requires_grad_() if t.is_floating_point() else t for t in inputs]
    read: list[tuple[str, Tensor]] = []
    given: list[tuple[str, Tensor]] = []

    def before(path: str, _layer: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if not args:
            return None
        read.append((path, args[0]))
        return (args[0].detach(), *args[1:])

    def after(path: str, _layer: nn.Module, _args: object, output: Tensor) -> Tensor:
        cut = output.detach().requires_grad_()
        given.append((path, cut))
        return cut.clone()  # the next operation may work in place, which a leaf does not allow

    with evaluating(model), _hooked(model, before, after):
        outputs = [leaf for leaf in tree_leaves(model(*images)) if isinstance(leaf, Tensor)]
    sources = [image for image in images if image.requires_grad]
    return LayerRoles(
        ran=tuple(dict.fromkeys(path for path, _ in read)),
        reads_inputs=frozenset(path for path, x in read if any(_reached([x], sources))),
        gives_outputs=frozenset(
            path
            for (path, _), hit in zip(given, _reached(outputs, [y for _, y in given]), strict=True)
            if hit
        ),
    )


def _reached(ends: Sequence[Tensor], sources: Sequence[Tensor]) -> list[bool]:
    """For each source, whether one of the ends was computed from it."""
    depending = [end.sum() for end in ends if end.requires_grad]
    if not depending or not sources:
        return [False] * len(sources)
    gradients = torch.autograd.grad(depending, sources, retain_graph=True, allow_unused=True)
    return [gradient is not None for gradient in gradients]


@contextmanager
def _hooked(model: nn.Module, before: Any, after: Any) -> Iterator[None]:
    handles = []
    for path, layer in model.named_modules():
        if isinstance(layer, WEIGHTED):
            handles.append(layer.register_forward_pre_hook(partial(before, path)))
            handles.append(layer.register_forward_hook(partial(after, path)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()

"""What a network costs: parameters and multiply-accumulates, in all and by layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from edgeprune.models.tables import TableSummary, counted_lookups, summarise_tables

# The names under which torch's layers keep their widths: (into, out of) the layer.
_WIDTHS: Final = (
    ("in_channels", "out_channels"),
    ("in_features", "out_features"),
    ("num_features", "num_features"),
    ("num_channels", "num_channels"),
    ("num_embeddings", "embedding_dim"),
    ("embed_dim", "embed_dim"),
)


@dataclass(frozen=True)
class LayerSummary:
    """A module that holds parameters or computes products itself.

    Attributes:
        name: module path; "" is the network's own.
        kind: class name.
        in_width: channels or features it takes; None where it has no such notion.
        out_width: channels or features it gives.
        params: parameters not counted in a layer above.
        macs: multiply-accumulates for the whole of the inputs.
    """

    name: str
    kind: str
    in_width: int | None
    out_width: int | None
    params: int
    macs: int


@dataclass(frozen=True)
class ModelSummary:
    """A network's cost, and that of its layers and tables in the order of its modules."""

    params: int
    macs: int
    layers: tuple[LayerSummary, ...]
    tables: tuple[TableSummary, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def count_params(model: nn.Module) -> int:
    """Return the number of parameters, shared ones once."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_macs(model: nn.Module, example_inputs: tuple[Tensor, ...]) -> int:
    """Return the multiply-accumulates of one eval-mode run: half of torch's FLOP count.

    Products of convolutions, linear layers and attention count, those of embeddings with each
    other too where they are summed (a DLRM's dot products); additions, norms, activations and
    lookups do not. The count is for the whole of `example_inputs`: give a batch of one for the
    usual figure.
    """
    return _count_flops(model, example_inputs).get_total_flops() // 2


def summarise(model: nn.Module, example_inputs: tuple[Tensor, ...]) -> ModelSummary:
    """Return parameters and MACs by layer; the layers' figures add up to the network's.

    Args:
        model: runs once in eval mode without gradients; its mode is put back.
        example_inputs: on the model's device, the meta device included.
    """
    with counted_lookups(model) as lookups:
        counter = _count_flops(model, example_inputs)
    macs = _own_macs(model, counter.get_flop_counts())
    counted: set[int] = set()
    layers = []
    for name, module in model.named_modules():
        params = 0
        for parameter in module.parameters(recurse=False):
            params += 0 if id(parameter) in counted else parameter.numel()
            counted.add(id(parameter))
        if params or macs.get(name):
            layers.append(_layer(name, module, params, macs.get(name, 0)))
    params = count_params(model)
    tables = summarise_tables(model, lookups, len(example_inputs[0]), params)
    return ModelSummary(params, counter.get_total_flops() // 2, tuple(layers), tables)


def _layer(name: str, module: nn.Module, params: int, macs: int) -> LayerSummary:
    held = vars(module)
    into, out = next(((i, o) for i, o in _WIDTHS if i in held and o in held), ("", ""))
    return LayerSummary(name, type(module).__name__, held.get(into), held.get(out), params, macs)


def _own_macs(model: nn.Module, flops: Mapping[str, Mapping[Any, int]]) -> dict[str, int]:
    """MACs of every module less those of the modules inside it."""
    root = type(model).__name__
    totals = {
        path.removeprefix(root).removeprefix("."): sum(counts.values()) // 2
        for path, counts in flops.items()
        if path == root or path.startswith(f"{root}.")
    }
    own = dict(totals)
    for path, macs in totals.items():
        if path:
            above = path.rpartition(".")[0]
            while above and above not in own:
                above = above.rpartition(".")[0]
            own[above] -= macs
    return own


def _count_flops(model: nn.Module, example_inputs: tuple[Tensor, ...]) -> FlopCounterMode:
    counter = FlopCounterMode(display=False)
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with counter, torch.no_grad(), _countable_attention():
            model(*example_inputs)
    finally:
        for module, training in modes:
            module.training = training
    return counter


@contextmanager
def _countable_attention() -> Iterator[None]:
    """Attention as matrix products: its fused kernels hide theirs, each device in its own way."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)

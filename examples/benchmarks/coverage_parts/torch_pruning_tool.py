"""Torch-Pruning on one model: `python -m coverage_parts.torch_pruning_tool NAME`.

Its defaults for one-shot pruning: group L2 norms, ranked over the whole network. As in its own
examples, the layers that put out the classes are named as ignored, the number of heads of every
attention is given, and torchvision's vision transformers are told their new width afterwards.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from typing import Any

import numpy as np
import torch
import torch_pruning as tp
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models import VisionTransformer

from coverage_parts.subjects import RATIO, ROUND_TO, fault, peak_memory_mib, size, subject

IntArray = NDArray[np.int64]
_NORMS = (tp.prune_layernorm_out_channels, tp.prune_groupnorm_out_channels)
_READERS = (tp.prune_conv_in_channels, tp.prune_linear_in_channels)


def run(name: str) -> dict[str, Any]:
    """Prune, look at the result, tell everything."""
    first_use_s = _use_once()
    model, example = subject(name)
    before = size(model, example)
    base = peak_memory_mib()
    whole = copy.deepcopy(model)
    readers = Readers(model, whole)
    started = time.perf_counter()
    try:
        groups = _prune(model, example, readers)
    except Exception as failure:  # whatever the tool raises
        line = (str(failure).splitlines() or [""])[0][:160]
        return {"pruned": False, "why": f"{type(failure).__name__}: {line}", "before": before}
    total = time.perf_counter() - started
    readers.zero()
    # Before the check of `fault`, whose step in training mode moves statistics.
    difference = None if readers.norms else _difference(whole, model, example)
    broken = fault(model, example)
    after = before if broken else size(model, example)
    return {
        "pruned": after["params"] < before["params"] and not broken,
        "why": "" if after["params"] < before["params"] or broken else "nothing was removed",
        "before": before,
        "after": after,
        "groups": groups,
        "max_rel_error": None if broken else difference,
        "seconds": {"total": total, "first_use": first_use_s},
        "peak_mib": peak_memory_mib(),
        "peak_mib_before": base,
        "fault": broken,
    }


def _use_once() -> float:
    """What is loaded on the first use counts as importing, as with us."""
    tiny = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    started = time.perf_counter()
    importance = tp.importance.GroupMagnitudeImportance(p=2)
    tp.pruner.BasePruner(tiny, torch.randn(1, 4), importance=importance, pruning_ratio=RATIO).step()
    return time.perf_counter() - started


class Readers:
    """Zeroes, in the network that stays whole, the weights that read a removed channel.

    Attributes:
        norms: whether a norm over channels got narrower: it sees fewer of them, and what is left
            differs by more than rounding, whoever removes them.
    """

    def __init__(self, model: nn.Module, whole: nn.Module) -> None:
        self._names = {id(module): name for name, module in model.named_modules()}
        self._whole = dict(whole.named_modules())
        self._removals: list[tuple[str, list[int]]] = []
        self.norms = False

    def note(self, dependency: Any, positions: list[int]) -> None:
        """Remember one removal; this is all that happens while the clock runs."""
        if dependency.handler in _NORMS:
            self.norms = True
        name = self._names.get(id(dependency.target.module))
        if dependency.handler in _READERS and name is not None:
            self._removals.append((name, positions))

    def zero(self) -> None:
        """Zero what reads them. Positions of a removal count what earlier ones have left."""
        left: dict[str, IntArray] = {}
        for name, positions in self._removals:
            module = self._whole[name]
            width = module.in_channels if isinstance(module, nn.Conv2d) else module.in_features
            before = left.get(name, np.arange(width))
            gone = before[positions]
            left[name] = np.setdiff1d(before, gone)
            with torch.no_grad():
                _silence(module.weight, gone, getattr(module, "groups", 1))


def _silence(weight: Tensor, channels: IntArray, groups: int) -> None:
    """Zero what reads `channels`; of a grouped convolution only their own group reads them."""
    rows, columns = len(weight) // groups, weight.shape[1]
    for channel in channels.tolist():
        group, column = divmod(channel, columns)
        weight[group * rows : (group + 1) * rows, column] = 0.0


def _prune(model: nn.Module, example: Tensor, readers: Readers) -> int:
    """One step; returns the group count."""
    pruner = tp.pruner.BasePruner(
        model,
        example,
        importance=tp.importance.GroupMagnitudeImportance(p=2),
        global_pruning=True,
        pruning_ratio=RATIO,
        round_to=ROUND_TO,
        ignored_layers=_outputs(model, example),
        num_heads=_heads(model),
    )
    count = 0
    for group in pruner.step(interactive=True):
        for dependency, positions in group:
            readers.note(dependency, positions)
        group.prune()
        count += 1
    if isinstance(model, VisionTransformer):
        model.hidden_dim = model.conv_proj.out_channels
    return count


def _difference(whole: nn.Module, pruned: nn.Module, example: Tensor) -> float | None:
    """Largest relative difference between masking and removing, in float32 as it comes."""
    try:
        with torch.no_grad():
            expected, found = whole.eval()(example), pruned.eval()(example)
    except Exception:  # `fault` tells what a broken network raises
        return None
    if isinstance(expected, dict):
        expected, found = expected["out"], found["out"]
    return float((expected - found).abs().max() / expected.abs().max().clamp_min(1e-30))


def _outputs(model: nn.Module, example: Tensor) -> list[nn.Module]:
    """The layers that put out classes."""
    with torch.no_grad():
        answer = model(example)
    classes = (answer["out"] if isinstance(answer, dict) else answer).shape[1]
    kinds = (nn.Linear, nn.Conv2d)
    widths = ("out_features", "out_channels")
    return [
        module
        for module in model.modules()
        if isinstance(module, kinds)
        and classes in (getattr(module, width, None) for width in widths)
        and classes in (21, 1000)
    ]


def _heads(model: nn.Module) -> dict[nn.Module, int]:
    """Heads of every layer that makes queries, keys and values at once."""
    found: dict[nn.Module, int] = {}
    for module in model.modules():
        if isinstance(module, nn.MultiheadAttention):
            found[module] = module.num_heads
        heads = getattr(module, "num_heads", getattr(module, "n_heads", None))
        for name in ("qkv", "to_qkv"):
            layer = getattr(module, name, None)
            if isinstance(layer, nn.Linear) and isinstance(heads, int):
                found[layer] = heads
    return found


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1])))

"""Torch-Pruning on one model: `python -m coverage_parts.torch_pruning_tool NAME`.

Its defaults for one-shot pruning: group L2 norms, ranked over the whole network. As in its own
examples, the layers that put out the classes are named as ignored, and the number of heads of every
fused qkv layer is given.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from typing import Any

import torch
import torch_pruning as tp
from torch import Tensor, nn

from coverage_parts.subjects import RATIO, ROUND_TO, fault, peak_memory_mib, size, subject


def run(name: str) -> dict[str, Any]:
    """Prune, look at the result, tell everything."""
    first_use_s = _use_once()
    model, example = subject(name)
    before = size(model, example)
    base = peak_memory_mib()
    whole = copy.deepcopy(model)
    started = time.perf_counter()
    try:
        groups = _prune(model, example, whole)
    except Exception as failure:  # whatever the tool raises
        line = (str(failure).splitlines() or [""])[0][:160]
        return {"pruned": False, "why": f"{type(failure).__name__}: {line}", "before": before}
    total = time.perf_counter() - started
    difference = _difference(whole, model, example)  # a step in training mode moves statistics
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


def _prune(model: nn.Module, example: Tensor, whole: nn.Module) -> int:
    """One step; `whole` gets the readers of the same channels zeroed. Returns the group count."""
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
    names = {id(module): name for name, module in model.named_modules()}
    modules = dict(whole.named_modules())
    count = 0
    for group in pruner.step(interactive=True):
        for dependency, positions in group:
            _silence(
                modules.get(names.get(id(dependency.target.module), "?")), dependency, positions
            )
        group.prune()
        count += 1
    return count


def _silence(module: nn.Module | None, dependency: Any, positions: list[int]) -> None:
    """Zero the slices that read the channels in the network that stays whole."""
    reads = dependency.handler in (tp.prune_conv_in_channels, tp.prune_linear_in_channels)
    if module is not None and reads and getattr(module, "groups", 1) == 1:
        with torch.no_grad():
            module.weight[:, positions] = 0.0  # type: ignore[index]


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
        heads = getattr(module, "num_heads", getattr(module, "n_heads", None))
        for name in ("qkv", "to_qkv"):
            layer = getattr(module, name, None)
            if isinstance(layer, nn.Linear) and isinstance(heads, int):
                found[layer] = heads
    return found


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1])))

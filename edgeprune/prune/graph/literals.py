"""Numbers in a module's code and among its attributes: how a score's scale came about."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import fx, nn

_SCALING = ("aten::mul", "aten::div")


def note_literals(found: dict[str, set[float]], module: fx.GraphModule) -> None:
    """Add the numbers that each module multiplies or divides by, blocks inside included."""
    for graph in _graphs(module):
        for node in graph.nodes:
            numbers = _numbers(node)
            if numbers:
                found.setdefault(_path(node), set()).update(numbers)


def numbers_held(model: nn.Module) -> Callable[[str], Collection[float]]:
    """What a module, and every module around it, holds as numeric attributes."""
    modules = dict(model.named_modules())

    def held(path: str) -> list[float]:
        around = [path]
        while around[-1]:
            around.append(around[-1].rpartition(".")[0])
        return [
            float(value)
            for outer in around
            if outer in modules
            for value in vars(modules[outer]).values()
            if type(value) is float
        ]

    return held


def _graphs(module: fx.GraphModule) -> list[fx.Graph]:
    return [part.graph for part in module.modules() if isinstance(part, fx.GraphModule)]


def _numbers(node: fx.Node) -> list[float]:
    target: Any = node.target
    if not isinstance(target, torch._ops.OpOverload):
        return []
    if not target._schema.name.rstrip("_").startswith(_SCALING):
        return []
    return [float(value) for value in node.args if type(value) is float]


def _path(node: fx.Node) -> str:
    stack = node.meta.get("nn_module_stack") or {}
    return next(reversed(stack.values()))[0].partition("@")[0] if stack else ""

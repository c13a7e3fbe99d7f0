"""One forward pass, written down: which module ran when, and which operations it ran."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

OpKind = Literal["add", "activation", "norm", "pool", "view", "other"]

_KINDS: Final[tuple[tuple[OpKind, re.Pattern[str]], ...]] = (
    ("norm", re.compile(r"_?(native|cudnn|miopen)_(batch|group|layer)_norm.*")),
    ("pool", re.compile(r".*pool.*")),
    (
        "activation",
        re.compile(
            r"([cgs]?e|_?p?re|leaky_re|rre|si)lu(_kernel|_with_noise)?"
            r"|hard(sigmoid|swish|tanh)|sigmoid|tanh|softplus|mish|threshold"
        ),
    ),
    (
        "view",
        re.compile(
            r"_?(unsafe_)?view|alias|clone|detach|empty|expand|permute|reshape"
            r"|(un)?squeeze|t|transpose|_to_copy"
        ),
    ),
)


@dataclass(frozen=True)
class Op:
    """An operation: what it does, the innermost module that ran it, the shape of its first input.

    `owner` is "" for the model itself; `shape` is None where the input is not a tensor.
    """

    kind: OpKind
    owner: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class Call:
    """A module's run: operations `first` to `last` (exclusive) and the shape of its output.

    `shape` is None where the output is not one tensor.
    """

    path: str
    module: nn.Module
    first: int
    last: int
    shape: tuple[int, ...] | None

    @property
    def is_leaf(self) -> bool:
        """Whether the module has no children."""
        return next(self.module.children(), None) is None

    @property
    def depth(self) -> int:
        """How many modules it lies in, the model included."""
        return self.path.count(".") + 1


@dataclass
class Trace:
    """Operations in order, and calls in the order in which they ended."""

    ops: list[Op] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


@torch.no_grad()
def trace_forward(model: nn.Module, inputs: tuple[Tensor, ...]) -> Trace:
    """Run `model` once in eval mode, leaving its mode and state as they were."""
    trace, stack = Trace(), [""]
    starts: list[int] = []
    hooks = []

    def before(path: str, _module: nn.Module, _args: object) -> None:
        stack.append(path)
        starts.append(len(trace.ops))

    def after(path: str, module: nn.Module, _args: object, output: object) -> None:
        stack.pop()
        shape = tuple(output.shape) if isinstance(output, Tensor) else None
        trace.calls.append(Call(path, module, starts.pop(), len(trace.ops), shape))

    for path, module in model.named_modules():
        if path:
            hooks.append(module.register_forward_pre_hook(partial(before, path)))
            hooks.append(module.register_forward_hook(partial(after, path)))
    try:
        with _eval_mode(model), _OpLog(trace.ops, stack):
            model(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return trace


@contextmanager
def _eval_mode(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


class _OpLog(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, ops: list[Op], stack: list[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._ops = ops
        self._stack = stack

    def __torch_dispatch__(
        self,
        func: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = func._schema.name.removeprefix("aten::").removesuffix("_")
        shape = tuple(args[0].shape) if args and isinstance(args[0], Tensor) else None
        self._ops.append(Op(_kind_of(name, args), self._stack[-1], shape))
        return func(*args, **(kwargs or {}))


def _kind_of(name: str, args: tuple[Any, ...]) -> OpKind:
    if name == "add" and _joins_two_streams(args):
        return "add"
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(name)), "other")


def _joins_two_streams(args: tuple[Any, ...]) -> bool:
    """Whether the sum is of two computed maps or stacks of one shape, as a residual block's is."""
    return (
        len(args) >= 2
        and all(isinstance(arg, Tensor) and not isinstance(arg, nn.Parameter) for arg in args[:2])
        and args[0].ndim >= 3
        and args[0].shape == args[1].shape
    )

"""Which rule speaks for which operation, and the user's own rules.

A rule receives the `Context` and the `Call` and returns the labels of the results: one `Labels` for
an operation with one result, a tuple for several. It states what goes together, what stays and
what is only nearly right; what it does not state is not assumed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from edgeprune.errors import UserInputError
from edgeprune.prune.graph.call import Call, Value
from edgeprune.prune.graph.context import Context

Rule = Callable[[Context, Call], Value]

_BUILT_IN: dict[str, Rule] = {}
_USERS: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Make a function the rule of these `aten` operations."""

    def attach(function: Rule) -> Rule:
        for name in names:
            _BUILT_IN[f"aten::{name}"] = function
        return function

    return attach


def register_rule(op: Any, rule: Rule) -> None:
    """Teach channel discovery an operation of your own, or replace a built-in rule.

    Args:
        op: the operation: `torch.ops.mylib.scale`, one of its overloads, or `"mylib::scale"`.
        rule: called as `rule(context, call)`; returns the labels of the results.

    Raises:
        UserInputError: `op` does not name an operation.

    Example:
        An operation that scales each channel of `x` (N, C, H, W) by `gain` (C,):

        >>> def scale(context, call):
        ...     x, gain = call.args["x"], call.args["gain"]
        ...     context.unite(x.vector(1), gain.vector(0))
        ...     return x
        >>> register_rule("mylib::scale", scale)
    """
    _USERS[operation_name(op)] = rule


def unregister_rule(op: Any) -> None:
    """Forget a user's rule; a built-in one speaks again where there is one."""
    _USERS.pop(operation_name(op), None)


def operation_name(op: Any) -> str:
    """Qualified name of an operation without its overload, such as `aten::conv2d`."""
    if isinstance(op, str) and "::" in op:
        return op.partition(".")[0]
    if isinstance(op, torch._ops.OpOverload):
        return op._schema.name
    if isinstance(op, torch._ops.OpOverloadPacket):
        return op._qualified_op_name
    raise UserInputError(
        f"{op!r} is not an operation: pass torch.ops.LIBRARY.NAME or 'LIBRARY::NAME'"
    )


def find_rule(op: str) -> Rule | None:
    """The rule for an operation; an in-place one follows the rule of its plain form."""
    plain = op.removesuffix("_")
    for name in (op, plain):
        for rules in (_USERS, _BUILT_IN):
            if name in rules:
                return rules[name]
    return None

"""Runs a traced network on labels."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from edgeprune.errors import UnsupportedError
from edgeprune.prune.graph.call import Call, Value, flat_labels
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels
from edgeprune.prune.graph.literals import note_literals
from edgeprune.prune.graph.rules import find_rule
from edgeprune.prune.graph.rules.pointwise import is_pointwise, pointwise
from edgeprune.prune.graph.rules.registry import operation_name

# Operations that look at a tensor, change nothing and yield no tensor.
_QUESTIONS = tuple(f"aten::{name}" for name in ("_assert", "sym_", "is_", "size", "numel", "dim"))
# Higher-order operations that run a block as it is, and the place of its first operand.
_BLOCKS = {"wrap_with_set_grad_enabled": 2, "wrap_with_autocast": 5}


@dataclass(eq=False)
class Interpreter:
    """Runs exported programs on labels; several programs of one model share the tensors' labels.

    Attributes:
        context: where rules make their statements.
        tensors: labels of every parameter and buffer, by every name it is known by.
        outputs: labels at the output of each module, by path.
        used: names of the parameters and buffers that some operation has read.
    """

    context: Context
    tensors: Mapping[str, Labels]
    outputs: dict[str, Labels] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def run(self, program: ExportedProgram) -> None:
        """Run a program; its inputs and outputs are protected."""
        signature = {spec.arg.name: spec for spec in program.graph_signature.input_specs}
        inputs: list[Value] = []
        for node in _placeholders(program.graph_module):
            spec = signature[node.name]
            if spec.kind in (InputKind.PARAMETER, InputKind.BUFFER) and spec.target is not None:
                inputs.append(self.tensors[spec.target])
                self.used.update([spec.target] if node.users else [])
            elif spec.kind is InputKind.USER_INPUT:
                inputs.append(self._given(node, "it meets an input of the network"))
            else:
                shape = _shapes(node)[0]
                inputs.append(Labels(shape, self.context.constant, weight=True))
        note_literals(self.context.literals, program.graph_module)
        result = self._run_graph(program.graph_module, inputs)
        self.context.protect(flat_labels(result), "its channels are the network's output")

    def _given(self, node: fx.Node, text: str) -> Value:
        shapes = _shapes(node)
        fixed = self.context.ledger.fixed(text, quiet=True)
        return Labels(shapes[0], fixed) if shapes else None

    def _run_graph(self, module: fx.GraphModule, inputs: Sequence[Value]) -> Value:
        """Run one graph. Labels are dropped after their last reader."""
        values: dict[fx.Node, Any] = dict(zip(_placeholders(module), inputs, strict=True))
        last_reader = _last_readers(module.graph)
        for node in module.graph.nodes:
            if node.op == "get_attr":
                values[node] = self._attribute(module, node)
            elif node.op == "call_function":
                values[node] = self._run_node(node, values)
                self._note_output(node, values[node])
            elif node.op == "output":
                result: Value = fx.node.map_arg(node.args[0], values.get)
                return result
            for finished in last_reader.get(node, ()):
                del values[finished]
        return None

    def _attribute(self, module: fx.GraphModule, node: fx.Node) -> Any:
        found = operator.attrgetter(str(node.target))(module)
        if isinstance(found, torch.Tensor):
            return Labels(tuple(found.shape), self.context.constant, weight=True)
        return found

    def _run_node(self, node: fx.Node, values: Mapping[fx.Node, Any]) -> Any:
        args: Any = fx.node.map_arg(tuple(node.args), values.__getitem__)
        kwargs: Any = fx.node.map_arg(dict(node.kwargs), values.__getitem__)
        if node.target is operator.getitem:
            return args[0][args[1]] if args[0] is not None else None
        block = _BLOCKS.get(getattr(node.target, "__name__", ""))
        if block is not None:
            return self._run_graph(args[block - 1], args[block:])
        return self._apply(_call_of(node, args, kwargs, _shapes(node)), node)

    def _apply(self, call: Call, node: fx.Node) -> Value:
        operands = list(call.labels())
        follow = find_rule(call.op) or (pointwise if is_pointwise(node.target) else None)
        if not call.shapes and call.op.startswith(_QUESTIONS):
            return None
        if follow is not None and operands:
            return follow(self.context, call)
        if any(v.axes for v in operands):
            text = f"it meets the operation {call.where}, for which there is no rule"
            self.context.protect(operands, text)
            fixed = self.context.ledger.fixed(text)
        else:
            fixed = operands[0].fixed if operands else self.context.constant
        weight = all(v.weight for v in operands)
        results = tuple(Labels(shape, fixed, weight=weight) for shape in call.shapes)
        several = isinstance(node.meta.get("val"), (list, tuple)) or not results
        return results if several else results[0]

    def _note_output(self, node: fx.Node, value: Value) -> None:
        """Keep the labels of what leaves a module; the last thing that leaves is its output."""
        if not isinstance(value, Labels):
            return
        stack = node.meta.get("nn_module_stack") or {}
        for call, (path, _) in stack.items():
            if any(call not in (user.meta.get("nn_module_stack") or {}) for user in node.users):
                self.outputs[path.partition("@")[0]] = value


def _call_of(node: fx.Node, args: Any, kwargs: Any, shapes: tuple[tuple[int, ...], ...]) -> Call:
    stack = node.meta.get("nn_module_stack") or {}
    module = next(reversed(stack.values()))[0].partition("@")[0] if stack else ""
    target = node.target
    if not isinstance(target, torch._ops.OpOverload):
        named = {str(i): value for i, value in enumerate(args)} | dict(kwargs)
        return Call(f"higher_order::{target}", target, named, shapes, module)
    schema = target._schema.arguments
    given = {a.name: value for a, value in zip(schema, args, strict=False)} | dict(kwargs)
    bound = {a.name: given.get(a.name, a.default_value) for a in schema}
    return Call(operation_name(target), target, bound, shapes, module)


def _shapes(node: fx.Node) -> tuple[tuple[int, ...], ...]:
    """Shapes of the tensors a node yields."""
    value = node.meta.get("val")
    tensors = value if isinstance(value, (list, tuple)) else [value]
    found = [tuple(t.shape) for t in tensors if isinstance(t, torch.Tensor)]
    if any(not isinstance(width, int) for shape in found for width in shape):
        raise UnsupportedError(
            f"the shape of '{node.name}' depends on the data: such a model cannot be traced"
        )
    return tuple(found)


def _placeholders(module: fx.GraphModule) -> list[fx.Node]:
    return [node for node in module.graph.nodes if node.op == "placeholder"]


def _last_readers(graph: fx.Graph) -> dict[fx.Node, list[fx.Node]]:
    """For each node, the values that nobody reads after it."""
    last: dict[fx.Node, fx.Node] = {}
    for node in graph.nodes:
        last[node] = node
        for read in node.all_input_nodes:
            last[read] = node
    finished: dict[fx.Node, list[fx.Node]] = {}
    for read, reader in last.items():
        if reader.op != "output":
            finished.setdefault(reader, []).append(read)
    return finished

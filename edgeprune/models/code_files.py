"""Teachers that are code: exported programs and pickled modules, for users who trust the file."""

from __future__ import annotations

import os

import torch
from torch import nn
from torch.export import ExportedProgram

from edgeprune.errors import UserInputError
from edgeprune.wording import brief

# Position of the argument that says "as in training".
_TRAINING_FLAG = {
    torch.ops.aten.batch_norm.default: 5,
    torch.ops.aten.dropout.default: 2,
}


def load_exported_program(path: str | os.PathLike[str]) -> nn.Module:
    """Load a `.pt2` as a module with the original submodule paths, so that taps work in it.

    Raises:
        UserInputError: it cannot be loaded here, was exported in training mode, or for one batch
            size only.
    """
    try:
        program = torch.export.load(str(path))
        fault = _fault(program)
        module = torch.export.unflatten(program)
    except Exception as error:
        raise UserInputError(
            f"{path}: this exported program cannot be loaded by torch {torch.__version__}: "
            f"{brief(error)}"
        ) from error
    if fault:
        raise UserInputError(f"{path}: {fault}")
    return module.eval()


def unwrap_module(path: str | os.PathLike[str], content: object) -> nn.Module | None:
    """Return the network in a pickled file, out of its wrapper; None if it holds no module."""
    wrappers = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    module = content.module if isinstance(content, wrappers) else content
    if isinstance(module, torch.jit.ScriptModule):
        raise UserInputError(f"{path}: a TorchScript module; give the Python network's state_dict")
    return module.eval() if isinstance(module, nn.Module) else None


def _fault(program: ExportedProgram) -> str:
    for node in program.graph.nodes:
        flag = _TRAINING_FLAG.get(node.target)
        if flag is not None and len(node.args) > flag and node.args[flag] is True:
            return "was exported in training mode; export it after model.eval()"
    names = program.graph_signature.user_inputs
    for node in program.graph.nodes:
        value = node.meta.get("val")
        if node.name in names and isinstance(value, torch.Tensor) and _is_fixed(value):
            return (
                f"takes batches of {value.shape[0]} only; export it with dynamic_shapes whose "
                "batch axis is torch.export.Dim.DYNAMIC"
            )
    return ""


def _is_fixed(value: torch.Tensor) -> bool:
    return value.dim() > 0 and isinstance(value.shape[0], int)

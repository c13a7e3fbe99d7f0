"""Training through `torch.compile`, refused where this machine cannot do it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from edgeprune.errors import UnsupportedError


def require_compiler(device: torch.device) -> None:
    """Refuse `torch.compile` before anything is trained where it will find no compiler.

    Raises:
        UnsupportedError: a CPU without the C++ compiler that inductor calls (`CXX`, else `g++`).
    """
    program = os.environ.get("CXX", "g++")
    if device.type == "cpu" and shutil.which(program) is None:
        raise UnsupportedError(
            f"--compile: the C++ compiler {program} is not on this machine: install g++, name "
            "another in CXX, or train without --compile"
        )


def compiled(module: nn.Module) -> Callable[..., Any]:
    """`module` behind `torch.compile`, with every shape a constant of the generated code.

    A last, smaller batch gets code of its own; so does every network that surgery narrows.
    """
    forward: Callable[..., Any] = torch.compile(module, dynamic=False)
    return forward

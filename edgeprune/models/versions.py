"""Weights as a plain mapping, for modules that ask which version of themselves wrote them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase


def load_weights(model: nn.Module, weights: Mapping[str, Tensor], *, assign: bool = False) -> None:
    """`load_state_dict` of a mapping that lost its version notes on the way.

    A `state_dict` carries the version of every module beside its tensors, which no plain mapping
    does; MNASNet refuses one without. The weights here have the present modules' keys, so they
    count as written by them. Batch norms stay without, so that they take files from before they
    counted batches.

    Args:
        model: takes the weights.
        weights: by key, all that the model has.
        assign: take the tensors themselves instead of copying them.

    Raises:
        RuntimeError: keys or shapes do not fit.
    """
    versions: Mapping[str, Any] = getattr(model.state_dict(), "_metadata", {})
    norms = {path for path, module in model.named_modules() if isinstance(module, _NormBase)}
    marked: OrderedDict[str, Tensor] = OrderedDict(weights)
    noted = {path: note for path, note in versions.items() if path not in norms}
    marked._metadata = noted  # type: ignore[attr-defined]
    model.load_state_dict(marked, assign=assign)

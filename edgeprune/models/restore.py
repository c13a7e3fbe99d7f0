"""From a checkpoint to the network it describes."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from edgeprune.errors import CorruptFileError, UserInputError
from edgeprune.models.attributes import apply_attributes
from edgeprune.models.blank import blank_inputs
from edgeprune.models.registry import is_known
from edgeprune.models.resize import resize_parameters
from edgeprune.models.row_map import with_row_maps
from edgeprune.models.scales import check_scales
from edgeprune.models.skeleton import build_skeleton
from edgeprune.models.versions import load_weights
from edgeprune.wording import brief, shown

if TYPE_CHECKING:
    from edgeprune.data.preprocessing import Preprocessing
    from edgeprune.models.checkpoint import Checkpoint

_SMALL_IMAGE: Final = 3 * 256 * 256


def restore_model(
    checkpoint: Checkpoint, factory: Callable[[], nn.Module] | None = None
) -> nn.Module:
    """Return the network of `checkpoint`, in eval mode on the CPU, with the widths it was saved at.

    A registry's network takes no memory before every shape has been checked against the file's
    tensors. Where the input size is known, one blank image is run through it.

    Args:
        checkpoint: as loaded.
        factory: makes the unpruned network; needed for a user's own, which no file can name.

    Raises:
        UserInputError: the architecture is the user's own and `factory` is missing.
        CorruptFileError: arch, attributes and tensors do not fit together. One line.
    """
    if factory is None and not is_known(checkpoint.arch):
        raise UserInputError(
            f"{checkpoint.source}: its network {shown(checkpoint.arch)!r} is not in the registry; "
            "if it is your own, pass --model pkg.mod:factory"
        )
    own = factory() if factory else None
    try:
        model = own or build_skeleton(checkpoint.arch, **checkpoint.arch_args)
        with_row_maps(model, checkpoint.state_dict)
        apply_attributes(model, checkpoint.attributes)
        resize_parameters(model, checkpoint.state_dict)
        check_scales(model, checkpoint.quantization or ())
        if own is None:
            fill_skeleton(model, checkpoint.state_dict)
            _try_shapes(model.eval(), checkpoint.preprocessing)
        else:
            load_weights(own, checkpoint.state_dict)
    except (UserInputError, TypeError) as error:
        raise CorruptFileError(f"{checkpoint.source}: {brief(error)}") from error
    return model.eval()


def fill_skeleton(skeleton: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
    """Give `skeleton` the tensors of `state_dict`, of equal keys and shapes, in its own dtypes.

    Raises:
        UserInputError: whole numbers where weights belong, or the reverse.
    """
    present = skeleton.state_dict()
    values = {}
    for key, tensor in state_dict.items():
        if tensor.is_floating_point() != present[key].is_floating_point():
            raise UserInputError(
                f"{shown(key)} holds {tensor.dtype}, expected {present[key].dtype}"
            )
        values[key] = tensor.to(present[key].dtype)
    load_weights(skeleton, values, assign=True)


def _try_shapes(model: nn.Module, preprocessing: Preprocessing | None) -> None:
    if preprocessing is None:
        return
    shape = (1, preprocessing.channels, *preprocessing.image_size)
    # A run without values allocates nothing, but torch imports its compiler (2 s) to do it.
    device = "cpu" if math.prod(shape) <= _SMALL_IMAGE else "meta"
    probe = model if device == "cpu" else copy.deepcopy(model).to(device)
    try:
        with torch.no_grad():
            probe(*blank_inputs(model, preprocessing, 1, device=device))
    except (RuntimeError, ValueError, AssertionError, IndexError) as error:
        raise UserInputError(f"layers and input do not fit together: {brief(error)}") from error

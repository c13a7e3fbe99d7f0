"""Module attributes that hold a width and change when channels are removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from torch import nn

from edgeprune.errors import UserInputError
from edgeprune.wording import shown

AttributeValue = int | bool | str | tuple[int, ...]

# A file may set these names and no other; each keeps the type it has in the built network.
ALLOWED: Final = frozenset(
    {
        # convolutions and linear layers
        *("in_channels", "out_channels", "groups"),
        *("in_features", "out_features", "in1_features", "in2_features"),
        # norms and per-channel activations
        *("num_features", "num_channels", "num_groups", "normalized_shape", "num_parameters"),
        # embeddings
        *("num_embeddings", "embedding_dim"),
        # attention, under the names of torch, torchvision, timm and transformers
        *(
            "embed_dim",
            "heads",
            "num_heads",
            "n_heads",
            "n_head",
            "nhead",
            "head_dim",
            "kdim",
            "vdim",
        ),
        *("hidden_dim", "hidden_size", "mlp_dim", "inner_dim", "d_model", "_qkv_same_embed_dim"),
        *("num_attention_heads", "attention_head_size", "all_head_size", "attn_dim"),
        *("dim_head", "head_size", "d_head", "d_k", "d_kv", "key_dim"),
        # widths that a user's own forward code reads
        *("channels", "channels_per_group", "n_channels", "hidden_channels", "output_channels"),
        *("width", "planes", "inplanes", "in_planes"),
    }
)
_LARGEST: Final = 2**31 - 1


def attributes_of(model: nn.Module) -> dict[str, dict[str, AttributeValue]]:
    """Return the width attributes of every module, by module path ("" is the model itself)."""
    found = {}
    for path, module in model.named_modules():
        values = {
            name: value
            for name, value in vars(module).items()
            if name in ALLOWED and _is_plain(value)
        }
        if values:
            found[path] = values
    return found


def apply_attributes(
    model: nn.Module, attributes: Mapping[str, Mapping[str, AttributeValue]]
) -> None:
    """Set width attributes as `attributes_of` returned them; all of them, or none.

    Raises:
        UserInputError: a module or attribute that the model lacks, a name that is not allowed, or
            a value of another type or out of range. One line naming module and attribute.
    """
    modules = dict(model.named_modules())
    for path, values in attributes.items():
        if path not in modules:
            raise UserInputError(f"attributes: the network has no module '{shown(path)}'")
        for name, value in values.items():
            fault = _fault(vars(modules[path]), name, value)
            if fault:
                raise UserInputError(f"attributes: {shown(path)}.{shown(name)} {fault}")
    for path, values in attributes.items():
        for name, value in values.items():
            setattr(modules[path], name, value)


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(type(item) is int for item in value)
    return type(value) in (int, bool, str)


def _fault(present: Mapping[str, Any], name: str, value: object) -> str:
    if name not in ALLOWED:
        return "may not be set by a file"
    if name not in present:
        return "does not exist"
    if type(value) is not type(present[name]) or not _is_plain(value):
        return f"cannot be a {type(value).__name__}"
    numbers = value if isinstance(value, tuple) else (value,) if type(value) is int else ()
    if any(not 1 <= number <= _LARGEST for number in numbers):
        return f"is out of range: {shown(value)}"
    if isinstance(value, tuple) and len(value) != len(present[name]):
        return f"needs {len(present[name])} numbers, not {len(value)}"
    return ""

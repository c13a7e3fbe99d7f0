"""What a pickle names, read from its opcodes without running any of them."""

from __future__ import annotations

import pickletools
from typing import BinaryIO, Final

import torch

_ELEMENTS: Final = (
    *("Float", "Half", "BFloat16", "Double"),
    *("Long", "Int", "Short", "Byte", "Char", "Bool"),
)
# All that a dict of tensors and plain values needs. `torch.load(weights_only=True)` knows more
# names, among them some that allocate whatever size they are told (bytearray, torch.FloatTensor).
_DATA_ONLY: Final = frozenset(
    {
        "collections.OrderedDict",
        "collections.Counter",
        "_codecs.encode",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_parameter",
        "torch.Size",
        "torch.device",
        "torch.storage.UntypedStorage",
        *(f"torch.{name}Storage" for name in _ELEMENTS),
        *(str(getattr(torch, name)) for name in dir(torch) if name.startswith(("float", "int"))),
        "torch.bfloat16",
        "torch.bool",
        "torch.uint8",
    }
)
_STRINGS: Final = ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE")


def named_code(stream: BinaryIO, pickles: int = 1) -> list[str]:
    """Return what the next `pickles` pickles name beyond tensors and plain containers.

    Args:
        stream: positioned at the first pickle; left after the last one.
        pickles: how many follow one another.

    Raises:
        ValueError: the bytes are not a pickle.
    """
    found: set[str] = set()
    for _ in range(pickles):
        found |= _globals(stream)
    return sorted(found - _DATA_ONLY)


def _globals(stream: BinaryIO) -> set[str]:
    found: set[str] = set()
    strings = ["?", "?"]
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in _STRINGS:
            strings = [strings[1], str(argument)]
        elif opcode.name in ("GLOBAL", "INST"):
            found.add(str(argument).replace(" ", "."))
        elif opcode.name == "STACK_GLOBAL":
            found.add(".".join(strings))
        elif opcode.name.startswith("EXT"):
            found.add(f"copyreg extension {argument}")
    return found

"""What a pickle names, read from its opcodes without running any of them."""

from __future__ import annotations

import pickletools
from io import BytesIO
from mmap import mmap
from typing import IO, Final, cast

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


def named_code(stream: BytesIO | mmap, pickles: int = 1) -> list[str]:
    """Return what the next `pickles` pickles name beyond tensors and plain containers, in order.

    Args:
        stream: positioned at the first pickle. In memory or mapped, because a file's own `read`
            allocates whatever length a pickle claims.
        pickles: how many follow one another.

    Raises:
        ValueError: the bytes are not a pickle.
    """
    found = [name for _ in range(pickles) for name in _globals(stream)]
    return [name for name in dict.fromkeys(found) if name not in _DATA_ONLY]


def _globals(stream: BytesIO | mmap) -> list[str]:
    found = []
    strings = ["?", "?"]
    for opcode, argument, _ in pickletools.genops(cast("IO[bytes]", stream)):
        if opcode.name in _STRINGS:
            strings = [strings[1], str(argument)]
        elif opcode.name in ("GLOBAL", "INST"):
            found.append(str(argument).replace(" ", "."))
        elif opcode.name == "STACK_GLOBAL":
            found.append(".".join(strings))
        elif opcode.name.startswith("EXT"):
            found.append(f"copyreg extension {argument}")
    return found

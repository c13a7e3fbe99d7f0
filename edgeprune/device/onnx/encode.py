"""Writes the fields of a protobuf message, without its schema (encoding: protobuf.dev)."""

from __future__ import annotations

from edgeprune.device.onnx.protobuf import fields


def number_field(number: int, value: int) -> bytes:
    """A field of a varint; negative values are those of int64."""
    return _varint(number << 3) + _varint(value & 0xFFFFFFFFFFFFFFFF)


def bytes_field(number: int, value: bytes | memoryview) -> bytes:
    """A field of bytes, a text or a message."""
    return b"".join((_varint(number << 3 | 2), _varint(len(value)), value))


def text_field(number: int, value: str) -> bytes:
    """A field of text."""
    return bytes_field(number, value.encode())


def without(message: memoryview, numbers: frozenset[int]) -> bytes:
    """The message without the fields of these numbers.

    Every other field must be a number or have a length, as in all of onnx.proto's messages but
    tensors and attributes.

    Raises:
        DamagedMessageError: where the message stops making sense.
    """
    return b"".join(
        number_field(number, value) if isinstance(value, int) else bytes_field(number, value)
        for number, value in fields(message)
        if number not in numbers
    )


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)

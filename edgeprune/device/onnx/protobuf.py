"""The fields of a protobuf message, without its schema (encoding: protobuf.dev, wire types)."""

from __future__ import annotations

from typing import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


class DamagedMessageError(ValueError):
    """The bytes are no protobuf message."""


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of every field, in order; values of more than a number are not copied.

    Raises:
        DamagedMessageError: where the message stops making sense.
    """
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise DamagedMessageError("a field has the number 0")
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(message, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise DamagedMessageError(f"a field has the wire type {wire}")
        if at + size > end:
            raise DamagedMessageError("a field ends after the message")
        yield number, message[at : at + size]
        at += size


def submessages(message: memoryview, number: int) -> Iterator[memoryview]:
    """Every message in the field of this number."""
    for found, value in fields(message):
        if found == number and isinstance(value, memoryview):
            yield value


def texts(message: memoryview, number: int) -> list[str]:
    """Every string in the field of this number."""
    try:
        return [str(value, "utf-8") for value in submessages(message, number)]
    except UnicodeDecodeError as failure:
        raise DamagedMessageError("a text is not UTF-8") from failure


def text(message: memoryview, number: int) -> str:
    """The string in the field of this number; empty if there is none."""
    found = texts(message, number)
    return found[-1] if found else ""


def numbers(message: memoryview, number: int) -> list[int]:
    """Every integer in the field of this number."""
    return [value for found, value in fields(message) if found == number and isinstance(value, int)]


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_LONGEST_VARINT):
        if at + place >= len(message):
            raise DamagedMessageError("a number ends after the message")
        byte = message[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise DamagedMessageError("a number is too long")

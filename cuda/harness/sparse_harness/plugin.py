"""Drives the plugin through TensorRT's interfaces, as TensorRT does."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sparse_harness.plugin_structures import Counts, Description, FieldArray

Array = NDArray[Any]
Descriptions = ctypes.Array[Description]
_ROOM = 4096


class PluginHarness:
    """The library that `harness_library` compiles."""

    def __init__(self, path: Path) -> None:
        self.library = ctypes.CDLL(str(path))
        for name in ("create", "deserialise", "clone", "restored", "attached"):
            getattr(self.library, f"plugin_{name}").restype = ctypes.c_void_p
        self.library.plugin_told.restype = ctypes.c_char_p
        self.library.plugin_counts.restype = Counts
        for name in ("description_bytes", "serialised"):
            getattr(self.library, f"plugin_{name}").restype = ctypes.c_size_t
        if self.library.plugin_description_bytes() != ctypes.sizeof(Description):
            raise RuntimeError("TensorRT's tensor descriptions are not what ctypes has")
        self.library.plugin_begin()

    def create(self, generation: int, attributes: Mapping[str, Any]) -> Plugin | None:
        """A plugin of this node, or None where it refuses; `told` says why."""
        return self.create_from(generation, FieldArray(attributes))

    def create_from(self, generation: int, fields: FieldArray) -> Plugin | None:
        """A plugin of these fields, or None."""
        count = len(fields.fields)
        return self._plugin(self.library.plugin_create(generation, fields.fields, count))

    def deserialise(self, data: bytes) -> Plugin | None:
        """A plugin of TensorRT 8 from an engine's bytes, or None."""
        size = ctypes.c_size_t(len(data))
        return self._plugin(self.library.plugin_deserialise(data, size))

    def announced(self) -> list[str]:
        """Names of the fields that the creators announce."""
        names = (ctypes.c_char_p * 64)()
        count = self.library.plugin_announced(names, 64)
        return [(name or b"").decode() for name in names[:count]]

    @property
    def told(self) -> list[str]:
        """What TensorRT's logger and error recorder were told, a line each."""
        return str(self.library.plugin_told().decode()).splitlines()

    @property
    def counts(self) -> Counts:
        """What was asked of the device."""
        return self.library.plugin_counts()

    def forget(self) -> None:
        """Begin to note anew, and fail no more."""
        self.library.plugin_forget()

    def fail_after(self, calls: int) -> None:
        """Let one call to allocate or upload fail: the one after this many."""
        self.library.plugin_fail_after(calls)

    def set_capability(self, sm: int) -> None:
        """The device's compute capability without its point."""
        self.library.plugin_set_capability(sm)

    def _plugin(self, handle: int | None) -> Plugin | None:
        return None if handle is None else Plugin(self, handle)


class Plugin:
    """A plugin object, destroyed with this."""

    def __init__(self, harness: PluginHarness, handle: int) -> None:
        self._harness = harness
        self._library = harness.library
        self._handle = ctypes.c_void_p(handle)

    def __enter__(self) -> Plugin:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let TensorRT destroy it."""
        if self._handle.value is not None:
            self._library.plugin_destroy(self._handle)
            self._handle = ctypes.c_void_p()

    def __del__(self) -> None:
        self.close()

    def clone(self) -> Plugin:
        """A copy by the plugin itself."""
        return self._another("clone")

    def restored(self) -> Plugin:
        """One made from what an engine keeps of it."""
        return self._another("restored")

    def attached(self) -> Plugin:
        """As an execution context holds it."""
        return self._another("attached")

    def serialised(self) -> bytes:
        """What an engine keeps of it."""
        size = self._library.plugin_serialised(self._handle, None, ctypes.c_size_t(0))
        room = (ctypes.c_ubyte * size)()
        self._library.plugin_serialised(self._handle, room, ctypes.c_size_t(size))
        return bytes(room)

    def supports(self, position: int, tensors: Descriptions) -> bool:
        """Whether it takes this tensor, given the ones before."""
        return bool(self._library.plugin_supports(self._handle, position, tensors, len(tensors)))

    def output_type(self, type_: int) -> int:
        """Of the output, for this type of input."""
        return int(self._library.plugin_output_type(self._handle, type_))

    def output_sizes(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Asked with open sizes, of which these are then the values."""
        given = (ctypes.c_int64 * len(sizes))(*sizes)
        found = (ctypes.c_int64 * 8)()
        count = self._library.plugin_output_sizes(self._handle, given, len(sizes), found)
        return tuple(found[:count])

    def configure(self, tensors: Descriptions, tuned: Descriptions | None = None) -> bool:
        """As the builder does."""
        best = tensors if tuned is None else tuned
        done = self._library.plugin_configure(self._handle, tensors, best, len(tensors))
        return bool(done)

    def tactics(self) -> list[int]:
        """That it offers for what it was configured for."""
        room = (ctypes.c_int32 * _ROOM)()
        return list(room[: self._library.plugin_tactics(self._handle, room, _ROOM)])

    def set_tactic(self, tactic: int) -> None:
        """The one to run."""
        self._library.plugin_set_tactic(self._handle, tactic)

    def change_shape(self, tensors: Descriptions) -> bool:
        """As an execution context does before it runs."""
        return bool(self._library.plugin_change_shape(self._handle, tensors, len(tensors)))

    def enqueue(self, tensors: Descriptions, inputs: Sequence[Array], output: Array) -> int:
        """Run it; 0 where it went well."""
        pointers = (ctypes.c_void_p * len(inputs))(*(one.ctypes.data for one in inputs))
        where = ctypes.c_void_p(output.ctypes.data)
        return int(
            self._library.plugin_enqueue(self._handle, tensors, len(tensors), pointers, where)
        )

    def _another(self, name: str) -> Plugin:
        handle = getattr(self._library, f"plugin_{name}")(self._handle)
        if handle is None:
            raise RuntimeError(f"the plugin gave no {name} plugin: {self._harness.told}")
        return Plugin(self._harness, handle)

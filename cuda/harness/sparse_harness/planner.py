"""The host side: plans, tactics and what depends on them."""

from __future__ import annotations

import ctypes
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeprune.device.sparse.vcsr import Vcsr
from sparse_harness.structures import ArgumentsStruct, Convolution, PlanStruct, TacticStruct

_TACTICS = 1024


def address(array: NDArray[np.generic] | None) -> ctypes.c_void_p:
    """Of an array's data, or null."""
    return ctypes.c_void_p(None if array is None else array.ctypes.data)


class Planner:
    """A library that holds the functions of `cuda/harness/plan_api.cc`."""

    def __init__(self, path: Path) -> None:
        self.library = ctypes.CDLL(str(path))
        for name in ("slots", "tactics", "kernel_names", "arrange"):
            getattr(self.library, f"edgeprune_{name}").restype = ctypes.c_size_t
        for name in ("lane_use", "suitability"):
            getattr(self.library, f"edgeprune_{name}").restype = ctypes.c_double
        told = self.library.edgeprune_argument_bytes()
        if told != ctypes.sizeof(ArgumentsStruct):
            raise RuntimeError(f"the kernel's arguments have {told} bytes, not what ctypes has")

    def plan(self, conv: Convolution, tactic: TacticStruct) -> PlanStruct:
        """With a reason where there is none."""
        view = PlanStruct()
        self.library.edgeprune_plan(*self._key(conv, tactic), ctypes.byref(view))
        return view

    def tactics(self, conv: Convolution) -> list[TacticStruct]:
        """All that have a plan."""
        room = (TacticStruct * _TACTICS)()
        count = self.library.edgeprune_tactics(
            ctypes.byref(conv.layer), ctypes.byref(conv.problem), room, ctypes.c_size_t(_TACTICS)
        )
        return list(room[:count])

    def default_tactic(self, conv: Convolution, density: float = 0.1) -> TacticStruct:
        """From the table."""
        tactic = TacticStruct()
        self.library.edgeprune_default_tactic(
            ctypes.byref(conv.layer), ctypes.byref(conv.problem), ctypes.c_double(density),
            ctypes.byref(tactic),
        )  # fmt: skip
        return tactic

    def lane_use(self, conv: Convolution, tactic: TacticStruct, density: float) -> float:
        """Predicted share of wanted multiply-adds."""
        key = self._key(conv, tactic)
        return float(self.library.edgeprune_lane_use(*key, ctypes.c_double(density)))

    def suitability(self, conv: Convolution, tactic: TacticStruct, density: float) -> float:
        """By which the default is chosen; below zero where there is no plan."""
        key = self._key(conv, tactic)
        return float(self.library.edgeprune_suitability(*key, ctypes.c_double(density)))

    def lower(
        self, conv: Convolution, tactic: TacticStruct, off: NDArray[np.uint16]
    ) -> NDArray[np.uint16]:
        """Offsets in shared memory."""
        lowered = np.empty_like(off)
        refused = self.library.edgeprune_lower(
            *self._key(conv, tactic), address(off), ctypes.c_size_t(off.size), address(lowered)
        )
        if refused:
            raise ValueError("these offsets have no place in the tile")
        return lowered

    def arrange(
        self, conv: Convolution, tactic: TacticStruct, packed: Vcsr
    ) -> tuple[NDArray[np.int32], NDArray[np.uint16], NDArray[np.floating]]:
        """Segments, offsets and values as the plan's kernel reads them."""
        lowered = self.lower(conv, tactic, packed.off)
        given = (*self._key(conv, tactic), address(packed.seg), ctypes.c_size_t(packed.seg.size),
                 address(lowered), address(packed.val))  # fmt: skip
        seg = np.empty_like(packed.seg)
        steps = self.library.edgeprune_arrange(*given, address(seg), None, None)
        columns = steps * (16 if conv.vector == 32 else 1)
        off = np.empty(columns, dtype=np.uint16)
        val = np.empty((columns, conv.vector), dtype=packed.val.dtype)
        self.library.edgeprune_arrange(*given, address(seg), address(off), address(val))
        return seg, off, val

    def slots(
        self, conv: Convolution, tactic: TacticStruct, perm: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """(slots, 2): packed group and group of output channels, or -1."""
        key = (*self._key(conv, tactic), address(perm))
        count = self.library.edgeprune_slots(*key, None, ctypes.c_size_t(0))
        found = np.empty(count, dtype=np.int32)
        self.library.edgeprune_slots(*key, address(found), ctypes.c_size_t(count))
        return found.reshape(-1, 2)

    def refusal(
        self,
        conv: Convolution,
        seg: NDArray[np.int32],
        off: NDArray[np.uint16],
        perm: NDArray[np.int32],
    ) -> str:
        """Why these are not the packed weights of this layer; empty where they are."""
        reason = ctypes.create_string_buffer(256)
        self.library.edgeprune_check_packed(
            ctypes.byref(conv.layer), address(seg), ctypes.c_size_t(seg.size), address(off),
            ctypes.c_size_t(off.size), address(perm), ctypes.c_size_t(perm.size), reason,
            ctypes.c_size_t(len(reason)),
        )  # fmt: skip
        return reason.value.decode()

    @cached_property
    def kernel_names(self) -> list[str]:
        """Of every kernel that is compiled."""
        length = self.library.edgeprune_kernel_names(ctypes.create_string_buffer(1), 1)
        room = ctypes.create_string_buffer(length + 1)
        self.library.edgeprune_kernel_names(room, ctypes.c_size_t(len(room)))
        return room.value.decode().split()

    @staticmethod
    def _key(conv: Convolution, tactic: TacticStruct) -> tuple[object, object, object]:
        return ctypes.byref(conv.layer), ctypes.byref(conv.problem), ctypes.byref(tactic)

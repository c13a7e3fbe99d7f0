"""The roofline's rows: what layers do on each architecture, and what each board allows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache

from edgeprune.device.boards import Board, boards_with
from sparse_harness.build import emulator_library, vmma_library
from sparse_harness.cases import draw_ticket
from sparse_harness.emulator import Emulator
from sparse_harness.networks import layers, with_channel_tile
from sparse_harness.nvrtc import TENSOR_SM
from sparse_harness.roofline import Bounds, Work, bounds, work
from sparse_harness.structures import FLOAT16, FLOAT32, Convolution, TacticStruct

ARCHITECTURES = (53, 72, 87, 110)
# With the most shared memory, of those before sm_80 and of the others.
_LARGEST = (72, 110)
DENSITIES = (0.1, 0.344)
# V and type.
KINDS: Mapping[str, tuple[int, int]] = {
    "FP32, V 4": (4, FLOAT32),
    "FP16, V 4": (4, FLOAT16),
    "FP16, V 32": (32, FLOAT16),
}
LAYERS = tuple(layers(vector=4, type=FLOAT32))


@dataclass(frozen=True)
class Counted:
    """A layer with its default tactic.

    Attributes:
        conv: as it was packed, for one architecture.
        tactic: how it was laid on the device.
        idle_lanes: share of the multiply-adds issued that no output needs.
        work: what the launch does.
    """

    conv: Convolution
    tactic: Mapping[str, int]
    idle_lanes: float
    work: Work

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "channel_tile": self.conv.channel_tile,
            **self.tactic,
            "idle_lanes": round(self.idle_lanes, 4),
            **asdict(self.work),
        }


def architectures(kind: str) -> tuple[int, ...]:
    """Those that have the kernel."""
    tensor = KINDS[kind][0] == 32
    return tuple(sm for sm in ARCHITECTURES if sm >= TENSOR_SM or not tensor)


def count_layer(kind: str, layer: str, density: float, sm: int) -> Counted:
    """One launch, with the tile of channels that suits it best there."""
    vector, type_ = KINDS[kind]
    emulator = _emulator(vector)
    conv = replace(layers(vector=vector, type=type_)[layer], sm=sm)
    conv = with_channel_tile(conv, density)
    return count_tactic(conv, emulator.default_tactic(conv, density), density)


def count_tactic(conv: Convolution, tactic: TacticStruct, density: float) -> Counted:
    """One launch of a convolution packed as it says."""
    numbers = tuple(getattr(tactic, name) for name, *_ in tactic._fields_)
    # Architectures with the same launch do the same: `sm` limits what is planned, and no more.
    done, needed = _launch(replace(conv, sm=_LARGEST[conv.sm >= TENSOR_SM]), numbers, density)
    return Counted(
        conv=conv,
        tactic={field[0]: number for field, number in zip(tactic._fields_, numbers, strict=True)},
        idle_lanes=1 - needed / done.multiply_adds,
        work=done,
    )


def of_boards(counted: Counted) -> Iterator[tuple[Board, Bounds]]:
    """On every board of its architecture."""
    for board in boards_with(str(counted.conv.sm)):
        yield board, bounds(counted.work, counted.conv, board)


def bounds_as_json(found: Bounds) -> dict[str, object]:
    """With few digits."""
    times = {name: round(value, 2) for name, value in asdict(found).items()}
    return {**times, "limit": found.limit}


@cache
def _launch(conv: Convolution, tactic: tuple[int, ...], density: float) -> tuple[Work, int]:
    """What it does, and the multiply-adds that its outputs need."""
    emulator = _emulator(conv.vector)
    operands = draw_ticket(conv, density)
    emulator.run(conv, TacticStruct(*tactic), operands)
    if emulator.counts is None:
        raise ValueError("nothing was run")
    height, width = conv.output_size
    needed = operands.packed.columns * conv.vector * height * width
    return work(emulator.counts, conv, operands.packed.bytes), needed


@cache
def _emulator(vector: int) -> Emulator:
    return Emulator(vmma_library("counts") if vector == 32 else emulator_library("counts"))

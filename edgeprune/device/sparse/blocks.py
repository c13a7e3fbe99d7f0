"""Shared memory of a block of the sparse kernels, as `cuda/plan` lays it out.

`cuda/plan/geometry.cc` and `vmma_geometry.cc` say why it is laid out so; what is here has to give
the same numbers, since weights are packed by it where no library of the plugin is at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgeprune.device.sparse.conv import ConvShape
from edgeprune.device.sparse.formats import HWC8, LINEAR
from edgeprune.device.sparse.precision import bytes_of

TENSOR_VECTOR, TENSOR_PIXELS, TENSOR_ROWS = 32, 8, 16
# Columns of a list that the tensor cores multiply at least; what is missing is filled up.
TENSOR_HALF_STEP = 8
_ALIGNMENT = 16
_OFFSETS = 1 << 16
_GRID_LIMIT = 65535
_TILE_BYTES = 48
_STATE_BYTES = 64
_KEPT_PER_LANE, _KEPT_ON_TENSOR_CORES = 2, 16
# From a compute capability on, kilobytes that a block may have.
_LIMITS = ((0, 48), (70, 96), (75, 64), (80, 163), (86, 99), (87, 163), (89, 99), (90, 227),
           (120, 99))  # fmt: skip


@dataclass(frozen=True)
class PackedConv:
    """A convolution as it is packed, and where it runs.

    Attributes:
        shape: its sizes.
        vector: V, output channels that share a column.
        channel_tile: CT, input channels of a tile.
        precision: `fp32` or `fp16`.
        layout: of its input and output, `formats.LINEAR` or `formats.HWC8`.
        sm: compute capability without the dot.
    """

    shape: ConvShape
    vector: int
    channel_tile: int
    precision: str
    layout: str = LINEAR
    sm: int = 87

    @property
    def on_tensor_cores(self) -> bool:
        """Whether it is the kernel for tensor cores that has this V."""
        return self.vector == TENSOR_VECTOR

    @property
    def group_channels(self) -> int:
        """Input channels of a group of the convolution."""
        return self.shape.in_channels // self.shape.groups

    @property
    def channels_at_once(self) -> int:
        """Input channels of a tile, where there are so many."""
        return min(self.channel_tile, self.group_channels)

    @property
    def tiles(self) -> int:
        """Tiles of input channels in a group of the convolution."""
        return divided_up(self.group_channels, self.channel_tile)

    @property
    def rows(self) -> int:
        """Groups of V output channels in a group of the convolution."""
        return divided_up(self.shape.out_channels // self.shape.groups, self.vector)


@dataclass(frozen=True)
class Block:
    """How a block is launched.

    Attributes:
        tile_columns: output columns of its tile.
        pixels_per_lane: output rows of its tile.
        groups_per_warp: groups of V output channels that a warp works on.
        lane_split: lanes that share a pixel column.
        warps: of the block.
    """

    tile_columns: int
    pixels_per_lane: int
    groups_per_warp: int
    lane_split: int
    warps: int


def divided_up(value: int, by: int) -> int:
    """The quotient, rounded up."""
    return -(-value // by)


def warps_across(columns: int) -> int:
    """Warps of the tensor cores' kernel beside each other that cover so many columns."""
    return divided_up(columns, TENSOR_PIXELS)


def groups_per_block(conv: PackedConv, block: Block) -> int:
    """Groups of V output channels that a block works on."""
    if conv.on_tensor_cores:
        return block.warps // warps_across(_columns(conv, block))
    return block.warps * block.groups_per_warp


def fits(conv: PackedConv, block: Block) -> bool:
    """Whether the device takes this launch."""
    area = conv.shape.kernel[0] * conv.shape.kernel[1]
    blocks = conv.shape.groups * divided_up(conv.rows, groups_per_block(conv, block))
    return (
        conv.channel_tile * area <= _OFFSETS
        and ring_channels(conv, block) * channel_words(conv, block) < _OFFSETS - 1
        and shared_bytes(conv, block) <= _limit(conv.sm)
        and max(blocks, conv.shape.batch) <= _GRID_LIMIT
    )


def kept_channels(conv: PackedConv, lane_split: int) -> int:
    """Channels that stay in shared memory when the next tile comes, as their columns may wait."""
    if conv.tiles == 1:
        return 0
    split = _KEPT_PER_LANE * lane_split if lane_split > 1 else 0
    wanted = _KEPT_ON_TENSOR_CORES if conv.on_tensor_cores else split
    return min(wanted, conv.group_channels - conv.channel_tile)


def ring_channels(conv: PackedConv, block: Block) -> int:
    """Channels of a tile, and those that stay from the one before."""
    kept = kept_channels(conv, block.lane_split)
    channels = conv.channels_at_once + kept
    return _rounded_up(channels, 8) if kept and conv.layout == HWC8 else channels


def channel_words(conv: PackedConv, block: Block) -> int:
    """Words of a channel of the tile: each holds rows of one input column for a lane."""
    stride_height, stride_width = conv.shape.stride
    reach_height, reach_width = _reach(conv.shape)
    size = _word_bytes(conv, block)
    height = divided_up(block.pixels_per_lane, size // bytes_of(conv.precision))
    phase = _columns(conv, block) + reach_width // stride_width
    quarter = 32 // size
    if conv.on_tensor_cores:
        phase = _rounded_up(phase, quarter)
    pitch = min(stride_width, reach_width + 1) * phase
    words = ((height - 1) * stride_height + reach_height + 1) * pitch
    if conv.layout == HWC8:
        return words | 1
    if conv.on_tensor_cores and words // quarter % 2 == 0:
        return words + quarter
    return words


def shared_bytes(conv: PackedConv, block: Block) -> int:
    """Shared memory that a block takes."""
    columns = _columns(conv, block)
    covered = 32 // block.lane_split
    if conv.on_tensor_cores:
        covered = warps_across(columns) * TENSOR_PIXELS
    words = ring_channels(conv, block) * channel_words(conv, block) + covered - columns
    raw_offset = _rounded_up(words * _word_bytes(conv, block), _ALIGNMENT)
    raw, scratch = _raw_bytes(conv, block), _scratch_bytes(conv, block)
    if conv.on_tensor_cores:
        results = groups_per_block(conv, block) * scratch
        return max(raw_offset + raw, results) + _TILE_BYTES
    values = conv.vector * bytes_of(conv.precision)
    chunk = 32 * 16 // values if values > 16 else 32
    lists = 2 * chunk * (2 + values) + _STATE_BYTES
    return (
        raw_offset
        + max(raw, block.warps * scratch)
        + block.warps * block.groups_per_warp * lists
        + _TILE_BYTES
    )


def _raw_bytes(conv: PackedConv, block: Block) -> int:
    """Of the tile as it lies in global memory."""
    shape, size = conv.shape, bytes_of(conv.precision)
    height, width = shape.in_size
    reach_height, reach_width = _reach(shape)
    own = _columns(conv, block)
    rows = min((block.pixels_per_lane - 1) * shape.stride[0] + reach_height + 1, height)
    columns = min((own - 1) * shape.stride[1] + reach_width + 1, width)
    if conv.layout == HWC8:
        aligned = conv.group_channels % 8 == 0 and conv.channel_tile % 8 == 0
        pitch = _rounded_up(conv.channels_at_once + (0 if aligned else 7), 8)
        return _rounded_up(rows * columns * pitch * size, _ALIGNMENT)
    vector = _ALIGNMENT // size
    slack = 2 * (vector - 1)
    whole_width = own >= shape.out_size[1]
    whole_plane = whole_width and shape.out_size[0] <= block.pixels_per_lane
    row = width if whole_width else _congruent(columns + slack, width, vector)
    plane = height * width
    channel = plane if whole_plane else _congruent(rows * row + slack, plane, vector)
    return _rounded_up((conv.channels_at_once * channel + 2 * vector) * size, _ALIGNMENT)


def _scratch_bytes(conv: PackedConv, block: Block) -> int:
    """Of results on their way out: a warp's, or those of a group of V on tensor cores."""
    columns, rows = _columns(conv, block), block.pixels_per_lane
    if not conv.on_tensor_cores:
        return _rounded_up(rows * columns * 4, _ALIGNMENT)
    if conv.layout == HWC8:
        return rows * warps_across(columns) * TENSOR_PIXELS * TENSOR_ROWS * 4
    return TENSOR_ROWS * 8 * (divided_up(rows * _rounded_up(columns, 2), 8) | 1) * 4


def _columns(conv: PackedConv, block: Block) -> int:
    return min(block.tile_columns, conv.shape.out_size[1])


def _word_bytes(conv: PackedConv, block: Block) -> int:
    return 8 if block.pixels_per_lane * bytes_of(conv.precision) <= 8 else 16


def _reach(shape: ConvShape) -> tuple[int, int]:
    height, width = (
        (kernel - 1) * dilation for kernel, dilation in zip(shape.kernel, shape.dilation)
    )
    return height, width


def _limit(sm: int) -> int:
    return 1024 * next(kilobytes for since, kilobytes in reversed(_LIMITS) if since <= sm)


def _rounded_up(value: int, to: int) -> int:
    return divided_up(value, to) * to


def _congruent(least: int, like: int, modulus: int) -> int:
    """The smallest number from `least` on that leaves the same remainder as `like`."""
    return least + (like - least) % modulus

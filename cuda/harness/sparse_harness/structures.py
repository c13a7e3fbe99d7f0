"""The host side's structures, as ctypes has them."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

FLOAT32, FLOAT16 = 0, 1
LINEAR, HWC8 = 0, 1
NONE, RELU, CLIP = 0, 1, 2


class LayerStruct(ctypes.Structure):
    """`Layer` of cuda/plan/layer.h."""

    _fields_ = [
        *((name, ctypes.c_int) for name in (
            "channels", "outputs", "kernel_height", "kernel_width", "stride_height",
            "stride_width", "pad_top", "pad_left", "pad_bottom", "pad_right", "dilation_height",
            "dilation_width", "groups", "vector", "channel_tile", "activation",
        )),
        ("clip_lower", ctypes.c_float),
        ("clip_upper", ctypes.c_float),
        ("has_bias", ctypes.c_int),
        ("has_residual", ctypes.c_int),
    ]  # fmt: skip


class ProblemStruct(ctypes.Structure):
    """`Problem` of cuda/plan/layer.h."""

    _fields_ = [
        (name, ctypes.c_int) for name in ("batch", "height", "width", "type", "layout", "sm")
    ]


class TacticStruct(ctypes.Structure):
    """`Tactic` of cuda/plan/tactic.h."""

    _fields_ = [
        (name, ctypes.c_int)
        for name in (
            "tile_columns", "pixels_per_lane", "groups_per_warp", "lane_split", "warps", "staging",
        )
    ]  # fmt: skip


class ArgumentsStruct(ctypes.Structure):
    """`DirectArguments` of cuda/plan/arguments.h."""

    _fields_ = [
        *((name, ctypes.c_int) for name in (
            "batch", "channels", "group_channels", "height", "width", "outputs", "group_outputs",
            "output_height", "output_width", "pixel_pitch_in", "pixel_pitch_out", "stride_height",
            "stride_width", "pad_top", "pad_left", "tiles_across", "tile_columns", "channel_tile",
            "channel_tiles", "blocks_per_group", "ring_channels", "word_rows", "word_pitch",
            "phase_words", "channel_words", "lane_word_step", "input_rows", "input_columns",
            "whole_width", "whole_plane", "raw_column_pitch", "raw_row_pitch",
            "raw_channel_pitch", "raw_offset", "scratch_bytes", "columns_offset",
            "columns_bytes", "tile_offset", "asynchronous",
        )),
        ("lower", ctypes.c_float),
        ("upper", ctypes.c_float),
    ]  # fmt: skip


class PlanStruct(ctypes.Structure):
    """`EdgeprunePlanView` of cuda/harness/plan_api.h."""

    _fields_ = [
        ("reason", ctypes.c_char * 256),
        ("kernel", ctypes.c_char * 96),
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint),
        ("shared_bytes", ctypes.c_int),
        ("arguments", ArgumentsStruct),
    ]


@dataclass(frozen=True)
class Convolution:
    """A layer and the problem it is given, in one: what a test draws.

    Strides and dilations are (height, width), pads (top, left, bottom, right).
    """

    channels: int
    outputs: int
    size: tuple[int, int]
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (1, 1, 1, 1)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    vector: int = 4
    channel_tile: int = 16
    activation: int = NONE
    clip: tuple[float, float] = (0.0, 6.0)
    bias: bool = False
    residual: bool = False
    batch: int = 1
    type: int = FLOAT32
    layout: int = LINEAR
    sm: int = 87

    @property
    def layer(self) -> LayerStruct:
        """Its part that export fixes."""
        return LayerStruct(
            self.channels, self.outputs, *self.kernel, *self.stride, *self.pads, *self.dilation,
            self.groups, self.vector, self.channel_tile, self.activation, *self.clip,
            self.bias, self.residual,
        )  # fmt: skip

    @property
    def problem(self) -> ProblemStruct:
        """Its part that comes with the input."""
        return ProblemStruct(self.batch, *self.size, self.type, self.layout, self.sm)

    @property
    def output_size(self) -> tuple[int, int]:
        """Height and width of the output."""
        top, left, bottom, right = self.pads
        room = (self.size[0] + top + bottom, self.size[1] + left + right)
        height, width = (
            (room[i] - (self.kernel[i] - 1) * self.dilation[i] - 1) // self.stride[i] + 1
            for i in (0, 1)
        )
        return height, width

"""`SparseConv2d`: what an ONNX node of a sparse convolution holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np

from edgeprune.device.sparse.soundness import require_sound
from edgeprune.device.sparse.vcsr import VECTOR_LENGTHS, Vcsr, VcsrError

OP_TYPE = "SparseConv2d"
DOMAIN = "edgeprune"
DOMAIN_VERSION = 1
ACTIVATIONS = ("none", "relu", "clip")
_PLUGIN = {"plugin_version": "1", "plugin_namespace": "edgeprune"}
_NO_LIMIT = float("inf")


@dataclass(frozen=True)
class SparseConv2d:
    """A sparse convolution of inputs X (N, C, H, W), and of R where a residual is added.

    The result is `activation(conv(X) + bias + R)`, with R of the result's shape.

    Attributes:
        weight: packed.
        bias: float32 (O,), or None.
        strides: vertical, horizontal.
        pads: top, left, bottom, right.
        dilations: vertical, horizontal.
        activation: `none`, `relu` or `clip`.
        clip_low: lower limit of `clip`.
        clip_high: upper limit of `clip`.
    """

    weight: Vcsr
    bias: np.ndarray | None = None
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    activation: str = "none"
    clip_low: float = -_NO_LIMIT
    clip_high: float = _NO_LIMIT

    def __post_init__(self) -> None:
        if min(*self.strides, *self.dilations) < 1 or min(self.pads) < 0:
            raise VcsrError(
                f"strides {self.strides}, dilations {self.dilations}, pads {self.pads}: use 1 or "
                "more, and pads of 0 or more"
            )
        if self.activation not in ACTIVATIONS:
            raise VcsrError(f"activation '{self.activation}': use {', '.join(ACTIVATIONS)}")
        outputs = self.weight.shape[0]
        if self.bias is not None and self.bias.shape != (outputs,):
            raise VcsrError(f"a bias of shape {self.bias.shape} for {outputs} output channels")

    @property
    def in_channels(self) -> int:
        """C of the input."""
        return self.weight.shape[1] * self.weight.conv_groups

    @property
    def limits(self) -> tuple[float, float]:
        """What the activation keeps the result between."""
        if self.activation == "clip":
            return self.clip_low, self.clip_high
        return (0.0 if self.activation == "relu" else -_NO_LIMIT), _NO_LIMIT

    def out_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the result, of an input of these sizes.

        Raises:
            VcsrError: the kernel is larger than the padded input.
        """
        top, left, bottom, right = self.pads
        sizes = (
            (size + pad - dilation * (kernel - 1) - 1) // stride + 1
            for size, pad, dilation, kernel, stride in zip(
                (height, width),
                (top + bottom, left + right),
                self.dilations,
                self.weight.shape[2:],
                self.strides,
            )
        )
        found = next(sizes), next(sizes)
        if min(found) < 1:
            raise VcsrError(f"an input of {height}x{width} is smaller than the kernel")
        return found

    def as_attributes(self) -> dict[str, Any]:
        """What the node carries: arrays for tensors, and numbers, lists and text.

        Offsets are two to an int32, since TensorRT's parser refuses tensors of 16-bit integers.
        """
        weight = self.weight
        found: dict[str, Any] = {
            "seg": weight.seg,
            "off": _words(weight.off),
            "val": weight.val.reshape(-1),
            "perm": weight.perm,
            "shape": list(weight.shape),
            "vector": weight.vector,
            "channel_tile": weight.channel_tile,
            "group": weight.conv_groups,
            "strides": list(self.strides),
            "pads": list(self.pads),
            "dilations": list(self.dilations),
            "activation": self.activation,
            **_PLUGIN,
        }
        if self.bias is not None:
            found["bias"] = self.bias
        if self.activation == "clip":
            found.update(clip_low=float(self.clip_low), clip_high=float(self.clip_high))
        return found

    @classmethod
    def from_attributes(cls, given: Mapping[str, Any]) -> SparseConv2d:
        """The convolution of a node, checked: see `require_sound`.

        Args:
            given: as `as_attributes` gives them.

        Raises:
            VcsrError: something is missing or does not fit.
        """
        try:
            return cls._read(given)
        except KeyError as failure:
            raise VcsrError(f"{OP_TYPE} without {failure}: export the model again") from failure
        except (TypeError, ValueError) as failure:
            raise VcsrError(f"{OP_TYPE}: {failure}; export the model again") from failure

    @classmethod
    def _read(cls, given: Mapping[str, Any]) -> SparseConv2d:
        vector = int(given["vector"])
        if vector not in VECTOR_LENGTHS:
            raise VcsrError(f"{OP_TYPE} with V {vector}")
        weight = Vcsr(
            seg=given["seg"],
            off=_offsets(given["off"], int(given["seg"][-1])),
            val=given["val"].reshape(-1, vector),
            perm=given["perm"],
            shape=_numbers(given["shape"], 4),
            vector=vector,
            channel_tile=int(given["channel_tile"]),
            conv_groups=int(given["group"]),
        )
        bias = given.get("bias")
        return cls(
            require_sound(weight),
            None if bias is None else bias.astype(np.float32),
            _numbers(given["strides"], 2),
            _numbers(given["pads"], 4),
            _numbers(given["dilations"], 2),
            str(given["activation"]),
            float(given.get("clip_low", -_NO_LIMIT)),
            float(given.get("clip_high", _NO_LIMIT)),
        )


def _words(offsets: np.ndarray) -> np.ndarray:
    """Two offsets to a word, the first in its lower half; a last word may hold only one."""
    even = np.zeros(len(offsets) + len(offsets) % 2, np.dtype("<u2"))
    even[: len(offsets)] = offsets
    return even.view(np.dtype("<i4"))


def _offsets(words: np.ndarray, count: int) -> np.ndarray:
    """The offsets of `_words`; any number that is not theirs is left for `require_sound`."""
    if words.dtype != np.int32:
        raise VcsrError(f"{OP_TYPE}: off is {words.dtype}, not int32; export the model again")
    offsets = words.view(np.dtype("<u2"))
    return offsets[:-1] if len(offsets) == count + 1 else offsets


def _numbers(values: Any, count: int) -> Any:
    found = tuple(int(value) for value in values)
    if len(found) != count:
        raise VcsrError(f"{OP_TYPE}: {len(found)} numbers where {count} belong")
    return found

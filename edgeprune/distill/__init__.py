"""Distillation: taps, the attention head of Show, Attend and Distill, and the SAD loss."""

from __future__ import annotations

from edgeprune.distill.head import AttentionHead
from edgeprune.distill.losses import LossParts, SadLoss
from edgeprune.distill.taps import TapRecorder, default_taps, tap_shapes

__all__ = ["AttentionHead", "LossParts", "SadLoss", "TapRecorder", "default_taps", "tap_shapes"]

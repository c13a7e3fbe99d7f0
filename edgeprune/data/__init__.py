"""Data sets and transforms behind one registry."""

from __future__ import annotations

from edgeprune.data.batch import Batch
from edgeprune.data.dataset import Data
from edgeprune.data.preprocessing import Preprocessing
from edgeprune.data.randomness import keyed_generator
from edgeprune.data.registry import load_data

__all__ = ["Batch", "Data", "Preprocessing", "keyed_generator", "load_data"]

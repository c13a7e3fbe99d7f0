"""Users, items and their interactions: readers, splits, encoders, and the full ranking."""

from edgeprune.data.ratings.encoder import RatingsEncoder
from edgeprune.data.ratings.load import load_ratings

__all__ = ["RatingsEncoder", "load_ratings"]

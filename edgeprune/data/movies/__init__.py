"""Films and their ratings: readers, feature groups, and the split in time."""

from edgeprune.data.movies.featuriser import GROUPS, MovieFeaturiser
from edgeprune.data.movies.files import read_films
from edgeprune.data.movies.load import load_movies

__all__ = ["GROUPS", "MovieFeaturiser", "load_movies", "read_films"]

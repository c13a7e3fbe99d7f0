"""One class per inference runtime, all behind `base.Runner`."""

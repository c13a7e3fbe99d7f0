"""Drives the sparse convolution of `cuda/` from Python, without a GPU."""

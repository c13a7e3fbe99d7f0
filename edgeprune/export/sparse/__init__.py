"""Sparse convolutions in exported graphs."""

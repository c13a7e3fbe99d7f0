"""Sparse layers against the same layers dense, on the device that they run on."""

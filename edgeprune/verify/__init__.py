"""Proof that exported graphs and engines still do what the PyTorch network does."""

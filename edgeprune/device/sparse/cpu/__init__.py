"""Sparse convolutions on a CPU: a kernel in C++, compiled for the machine it runs on."""

from edgeprune.device.sparse.cpu.kernel import CpuSparseConv2d

__all__ = ["CpuSparseConv2d"]

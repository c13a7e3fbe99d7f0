"""Sparse convolutions: the format of their weights, and where they pay."""

from edgeprune.device.sparse.vcsr import Vcsr, VcsrError, pack

__all__ = ["Vcsr", "VcsrError", "pack"]

"""Compress trained networks into physically smaller, verified students for edge devices."""

from __future__ import annotations

__version__ = "0.1.0"

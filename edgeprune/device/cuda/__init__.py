"""CUDA's runtime without any package for it: memory, streams, events and graphs.

A fresh board has the library `libcudart` and nothing else that Python could use.
"""

"""Parts of `sparse_conv_cpu.py`."""

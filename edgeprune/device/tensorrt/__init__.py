"""TensorRT, TensorRT for RTX and trtexec: one room for all that differs between their versions."""

"""Reading what a board needs of an ONNX file, where there is no `onnx` package."""

"""The program that runs on a board: one archive, the system's Python, numpy and TensorRT."""

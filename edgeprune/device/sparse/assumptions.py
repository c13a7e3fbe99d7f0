"""What the cost model supposes and no data sheet tells. Each is replaced by measuring on a board.

None of these numbers has been measured on a Jetson; they are the margins that people find who
write and tune such kernels. The choice that follows from them is the first gate only.
"""

from __future__ import annotations

# Of the issue slots, multipliers and shared-memory clocks of a direct sparse kernel: the rest goes
# to staging tiles, to addresses, and to the tail of the grid.
SPARSE_EFFICIENCY = 0.65

# The same for the gathering tensor-core kernel. So set, a mask of 32-row columns breaks even at
# about 70 % of zeros, from where published kernels of this kind are faster than cuBLAS (Chen et
# al., "Efficient Tensor Core-Based GPU Kernels for Structured Sparsity", SC 2021).
VMMA_EFFICIENCY = 0.15

# Clocks of shared memory that its gathers take over those without a bank conflict, as counted in
# the emulation at 5 to 50 % of the columns.
GATHER_CONFLICTS = 1.2

# Of the DRAM's peak that a kernel with coalesced accesses reaches.
DRAM_EFFICIENCY = 0.75

# Launch and tail of one layer inside an engine that runs as a CUDA graph.
LAUNCH_MS = 3e-3

# Warps per SM that hide the latency of shared memory and of the multipliers.
WARPS_TO_HIDE_LATENCY = 12

# A grid too small to fill the GPU is slow, but not without limit.
LEAST_PARALLELISM = 0.02

# What cuDNN's and TensorRT's convolutions reach of the peak, a poor and a good case. The good one
# decides: dense TensorRT is the default, so doubt speaks for it.
TENSOR_UTILISATION = (0.25, 0.50)
CUDA_UTILISATION = (0.40, 0.65)

# Net gain of Winograd F(2x2, 3x3) and F(4x4, 3x3) on CUDA cores, transforms included (Lavin &
# Gray, CVPR 2016, save 2.25 and 4 of the multiplications). Not on tensor cores.
WINOGRAD_GAIN = 1.6

# Rates of tensor cores over that of FP16 (NVIDIA A100 Architecture whitepaper; Jetson Thor
# Technical Brief TB-12572-001), and the first compute capability with TF32.
TENSOR_RATES = {"fp32": 0.5, "fp16": 1, "int8": 2}
FIRST_TF32_SM = 80

# Tensor-core kernels pad the channels of each group of a convolution to this.
TENSOR_CHANNELS = 8

# Of the direct kernel, per column: instructions of the loop itself, and in FP16 those that take a
# pair of sums to FP32, which is due after so many terms.
LOOP_INSTRUCTIONS = 2
FLUSH_INSTRUCTIONS = 5
FLUSH_TERMS = 16

# The sparse layer has to be this much faster than the dense one: what a model is off by.
MARGIN = 0.9

# Facts of every SM from sm_53 to sm_110 (CUDA C++ Programming Guide): lanes of a warp, warp
# schedulers that each issue one instruction per clock, bytes that one lane loads at most at once.
WARP = 32
SCHEDULERS = 4
LOAD_BYTES = 16

// The two types of CUDA that TensorRT's headers name, for machines without CUDA.
#pragma once

typedef struct CUstream_st* cudaStream_t;
typedef struct CUevent_st* cudaEvent_t;

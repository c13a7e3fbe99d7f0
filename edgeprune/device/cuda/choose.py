"""Which way to CUDA."""

from __future__ import annotations

from edgeprune.device.cuda.api import CudaApi
from edgeprune.device.cuda.cuda_python import CudaPythonApi
from edgeprune.device.cuda.cudart import CudartApi
from edgeprune.device.errors import DeviceError

_WAYS: dict[str, type[CudartApi]] = {"cudart": CudartApi, "cuda-python": CudaPythonApi}


def open_cuda(name: str = "cudart") -> CudaApi:
    """The way to CUDA of this name, once it is sure that a GPU answers.

    Args:
        name: `cudart`, the system's library, or `cuda-python`.

    Raises:
        DeviceUnsupportedError: it is not installed, or no GPU answers.
        DeviceError: there is no such way.
    """
    if name not in _WAYS:
        raise DeviceError(f"cuda = {name!r}: use {' or '.join(_WAYS)}")
    cuda = _WAYS[name]()
    require_gpu(cuda)
    return cuda


def require_gpu(cuda: CudaApi) -> None:
    """Refuse to go on where no GPU answers.

    Raises:
        DeviceUnsupportedError: none does, and why.
    """
    cuda.device_count()

"""What CUDA's error codes mean for a user."""

from __future__ import annotations

from edgeprune.device.errors import DeviceError, DeviceUnsupportedError

SUCCESS = 0
OUT_OF_MEMORY = 2

_NO_GPU = {
    3: "the driver does not start",
    34: "the CUDA driver in use is a stub",
    35: "the driver is missing or older than this CUDA",
    46: "every GPU is in use by another process",
    100: "there is none",
    803: "driver and CUDA library do not match",
    804: "driver and CUDA library do not match this GPU",
}
_REMEDIES = {
    OUT_OF_MEMORY: "use a smaller batch or end what else uses the GPU",
    209: "the model or plugin was built for another GPU",
    700: "start the program again: the GPU dropped its work",
    702: "start the program again: the GPU dropped its work",
    719: "start the program again: the GPU dropped its work",
    721: "start the program again: the GPU dropped its work",
}
# cudaErrorStreamCaptureUnsupported to cudaErrorStreamCaptureWrongThread.
_CAPTURE = range(900, 909)


class CudaError(DeviceError):
    """A CUDA call failed.

    Attributes:
        code: CUDA's number for the failure.
    """

    def __init__(self, line: str, code: int) -> None:
        super().__init__(line)
        self.code = code

    @property
    def is_out_of_memory(self) -> bool:
        """Whether memory ran out, so that less may succeed."""
        return self.code == OUT_OF_MEMORY

    @property
    def is_capture(self) -> bool:
        """Whether the work cannot be recorded as a graph; launched step by step it may run."""
        return self.code in _CAPTURE


def failure(call: str, code: int, text: str) -> DeviceError:
    """The exception for a code.

    Args:
        call: what was called, with what a user should know of its arguments.
        code: what it returned.
        text: CUDA's own description of the code.

    Returns:
        `DeviceUnsupportedError` where no GPU answers, else `CudaError`.
    """
    if code in _NO_GPU:
        return DeviceUnsupportedError(
            f"no GPU answers here: {_NO_GPU[code]} ({call}: {text}, CUDA error {code})"
        )
    remedy = f"; {_REMEDIES[code]}" if code in _REMEDIES else ""
    return CudaError(f"{call}: {text} (CUDA error {code}){remedy}", code)

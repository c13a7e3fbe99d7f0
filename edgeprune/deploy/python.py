"""Which Python of a board runs the agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeprune.deploy.agent import Programs
from edgeprune.errors import UnsupportedError

# First the system's, which JetPack's TensorRT belongs to: on PATH an environment such as conda's
# may come before it.
USUAL = ("/usr/bin/python3", "python3", "python3.12", "python3.10", "python3.8")
_TELL = (
    "from importlib.util import find_spec as f; "
    "print(','.join(n for n in ('numpy', 'tensorrt', 'onnxruntime') if f(n)))"
)
_LOOK = """for name in "$@"; do
  path=$(command -v "$name") && has=$("$path" -c "$0" 2>/dev/null) && echo "python $has $path"
done
exit 0"""


@dataclass(frozen=True)
class Python:
    """An interpreter on a board.

    Attributes:
        path: there.
        modules: those of numpy, tensorrt and onnxruntime that it has.
    """

    path: str
    modules: frozenset[str]

    def serves(self, module: str) -> int:
        """How well it suits a runtime: nothing runs in it without numpy."""
        return 0 if "numpy" not in self.modules else 1 + (module in self.modules)

    def __str__(self) -> str:
        """For people."""
        known = " and ".join(sorted(self.modules)) or "no numpy"
        return f"{self.path} (with {known})"


def find_python(board: Programs, module: str, names: Sequence[str] = USUAL) -> Python:
    """The first that has numpy and the runtime's module; else the first with numpy; else any.

    Args:
        module: `tensorrt` or `onnxruntime`.
        names: in the order of preference.

    Raises:
        UnsupportedError: the board has none.
    """
    lines: list[str] = []
    board.stream(["sh", "-c", _LOOK, _TELL, *names], lines.append)
    found = [_read(line) for line in lines if line.startswith("python ")]
    if not found:
        raise UnsupportedError(f"{board.label}: there is no python3; apt install python3 there")
    return max(found, key=lambda python: python.serves(module))  # the first of the best


def _read(line: str) -> Python:
    _, has, path = line.strip().split(" ", 2)
    return Python(path, frozenset(filter(None, has.split(","))))

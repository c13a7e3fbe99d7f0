"""A program that looks like trtexec from outside: it tells its version, notes how it was called,
and writes, fails or dies as asked.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

_PROGRAM = """#!{python}
import json, os, signal, sys
from pathlib import Path
here = Path(__file__)
print("&&&& RUNNING TensorRT.trtexec [TensorRT v{version}] # " + " ".join(sys.argv))
if sys.argv[1:] == ["--help"]:
    sys.exit(0)
here.with_suffix(".json").write_text(json.dumps(sys.argv[1:]))
options = dict(a.split("=", 1) for a in sys.argv[1:] if "=" in a)
{body}
cache = options.get("--timingCacheFile")
if cache:
    path = Path(cache)
    path.write_bytes((path.read_bytes() if path.exists() else b"") + b"kernel;")
print("[11/25/2026-10:00:00] [W] [TRT] a cast was\\tclamped")
Path(options["--saveEngine"]).write_bytes(b"plan of " + options["--onnx"].encode())
print("&&&& PASSED TensorRT.trtexec")
"""


def write_trtexec(folder: Path, version: int = 100300, body: str = "") -> Path:
    """The program; `body` runs before it writes anything."""
    path = folder / "trtexec"
    path.write_text(_PROGRAM.format(python=sys.executable, version=version, body=body))
    path.chmod(0o755)
    return path


def arguments(program: Path) -> list[str]:
    """What it was called with last."""
    given: list[str] = json.loads(program.with_suffix(".json").read_text())
    return given

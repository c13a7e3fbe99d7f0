"""A program that looks like trtexec from outside: it tells its version, notes how it was called,
and writes, fails or dies as asked. Its engines run in ONNX Runtime, on the inputs that it is given.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

_PROGRAM = """#!{python}
import json, os, signal, sys
from pathlib import Path
here = Path(__file__)
print("&&&& RUNNING TensorRT.trtexec [TensorRT v{version}] # " + " ".join(sys.argv))
if sys.argv[1:] == ["--help"]:
    print("  --plugins" if {version} < 80600 else "  --staticPlugins")
    sys.exit(0)
here.with_suffix(".json").write_text(json.dumps(sys.argv[1:]))
options = dict(a.split("=", 1) for a in sys.argv[1:] if "=" in a)
{body}
if "--loadEngine" in options:
    sys.path.insert(0, {support!r})
    from standin_trtexec import run_engine
    run_engine(options)
    sys.exit(0)
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
    path.write_text(
        _PROGRAM.format(
            python=sys.executable, version=version, body=body, support=str(Path(__file__).parent)
        )
    )
    path.chmod(0o755)
    return path


def arguments(program: Path) -> list[str]:
    """What it was called with last."""
    given: list[str] = json.loads(program.with_suffix(".json").read_text())
    return given


_KINDS = {"tensor(float)": np.float32, "tensor(int64)": np.int64}


def _named(text: str) -> dict[str, str]:
    """`a:1x2,b:1x3` by name."""
    return dict(part.split(":", 1) for part in text.split(",") if part)


def run_engine(options: dict[str, str]) -> None:
    """What trtexec does with `--loadEngine`: run, then tell times and outputs."""
    import onnxruntime

    graph = Path(options["--loadEngine"]).read_bytes().removeprefix(b"plan of ").decode()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    kinds = {value.name: _KINDS[value.type] for value in session.get_inputs()}
    files = _named(options.get("--loadInputs", ""))
    feed = {}
    for name, sizes in _named(options["--shapes"]).items():
        shape = tuple(map(int, sizes.split("x")))
        values = 9 * np.random.default_rng(0).normal(size=shape)  # trtexec knows of no tables
        if name in files:
            values = np.fromfile(files[name], kinds[name]).reshape(shape)
        feed[name] = values.astype(kinds[name])
    rows, end = [], time.monotonic() + float(options["--duration"])
    while len(rows) < 3 or time.monotonic() < end:
        started = time.perf_counter()
        outputs = session.run(None, feed)
        taken = 1e3 * (time.perf_counter() - started)
        rows.append({"startH2dMs": 0.0, "computeMs": 0.9 * taken, "latencyMs": taken})
    Path(options["--exportTimes"]).write_text(json.dumps(rows), encoding="utf-8")
    told = [
        {
            "name": value.name,
            "dimensions": "x".join(map(str, output.shape)),
            "values": output.ravel().tolist(),
        }
        for value, output in zip(session.get_outputs(), outputs, strict=True)
    ]
    Path(options["--exportOutput"]).write_text(json.dumps(told), encoding="utf-8")

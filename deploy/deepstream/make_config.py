"""Writes a configuration of DeepStream's nvinfer for a bundle's student, and its labels.

    python3 make_config.py BUNDLE ENGINE OUT

ENGINE is what `edgeprune-agent.pyz build BUNDLE` names. nvinfer computes
`net-scale-factor * (x - offset)` with one factor for all channels: a network whose channels have
deviations of their own is refused.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

_CONFIG = """[property]
gpu-id=0
model-engine-file={engine}
labelfile-path={labels}
batch-size=1
network-mode={mode}
network-type=1
process-mode=1
model-color-format={colours}
net-scale-factor={factor:.12g}
offsets={offsets}
infer-dims={dims}
input-object-min-width=0
output-blob-names=output
classifier-threshold=0.0
"""
_MODES = {"fp32": 0, "int8": 1, "fp16": 2}
_ALIKE = 1e-3


def main(bundle: Path, engine: Path, out: Path) -> int:
    """Write `config_infer.txt` and `labels.txt` into a folder."""
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    given = manifest["input"]
    mean, std = given["mean"], given["std"]
    if mean is None:
        return _refuse("the bundle stores no mean and deviation: its network takes no images")
    if max(std) > (1 + _ALIKE) * min(std):
        return _refuse(
            f"the channels' deviations differ ({std}), and nvinfer has one factor for all: train "
            "with equal ones (--std), or normalise in nvdspreprocess"
        )
    student = next(model for model in manifest["models"] if model["name"] == "student")
    classes = manifest["classes"] or []
    out.mkdir(parents=True, exist_ok=True)
    labels = out / "labels.txt"
    labels.write_text(";".join(classes) + "\n", encoding="utf-8")
    config = _CONFIG.format(
        engine=engine.resolve(),
        labels=labels.resolve(),
        mode=_MODES[student["precision"]],
        colours=2 if given["shape"][0] == 1 else 0,
        factor=1 / (255 * std[0]),
        offsets=";".join(f"{255 * value:.6g}" for value in mean),
        dims=";".join(map(str, given["shape"])),
    )
    (out / "config_infer.txt").write_text(config, encoding="utf-8")
    print(out / "config_infer.txt")
    return 0


def _refuse(why: str) -> int:
    sys.stderr.write(f"make_config.py: {why}\n")
    return 2


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(_refuse("usage: make_config.py BUNDLE ENGINE OUT"))
    sys.exit(main(*map(Path, sys.argv[1:])))

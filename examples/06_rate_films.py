"""Films to ratings: train, prune, export, and rate new films with what the run folder holds.

    pip download --no-deps bokeh-sampledata==2024.2
    python examples/06_rate_films.py bokeh_sampledata-2024.2-py3-none-any.whl
    python examples/06_rate_films.py films.csv --groups social+numerical

A 1-D CNN learns films that came out before a year and is tested on later ones, beside a constant,
ridge regression and gradient-boosted trees. A smaller one is pruned under it. Its ONNX file is then
timed at the batch sizes of recommenders, one thread each, and rates the file's last films: features
come from `features.json`, which was fitted on training films alone, so that a device needs neither
PyTorch nor the training data.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edgeprune
from edgeprune.data.movies import MovieFeaturiser, read_films
from edgeprune.device.latency import measure_interleaved
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.pretrain import pretrain
from edgeprune.report.errors_table import error_lines

BATCHES = (1, 64, 1024)


def throughput(onnx: Path, rows: NDArray[np.float32], repeats: int) -> None:
    """Print films a second on one core, and the bytes that a film and the graph take."""
    print(f"{onnx.name}: {onnx.stat().st_size:,} bytes, {rows[0].nbytes} bytes of features a film")
    for batch in BATCHES:
        feed = {"input": np.resize(rows, (batch, *rows.shape[1:]))}
        runner = OnnxRuntimeRunner(onnx, 1)
        found = measure_interleaved({"student": runner}, feed, repeats=repeats)["student"]
        print(
            f"batch {batch:>4}: p50 {found.p50_ms:.3f} ms, p99 {found.p99_ms:.3f} ms, "
            f"{1000 * batch / found.p50_ms:,.0f} films/s per core"
        )


def main() -> None:
    """Train, prune, time, rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("films", type=Path)
    parser.add_argument("--groups", default="all")
    parser.add_argument("--student", default="movie_cnn_1_16")
    parser.add_argument("--method", default="sp_sad")
    parser.add_argument("--keep", type=float, default=0.55, help="share of the parameters")
    parser.add_argument("--teacher-epochs", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=200, help="of a timed inference")
    parser.add_argument("--out", type=Path, default=Path("runs/films"))
    given = parser.parse_args()
    data = f"movies:{given.films}:{given.groups}"

    teacher = given.out / "teacher.pt"
    pretrain("movie_cnn", data, teacher, epochs=given.teacher_epochs, device="cpu")
    report = edgeprune.compress(
        teacher,
        given.student,
        data,
        given.method,
        out=given.out / given.method,
        epochs=given.epochs,
        target_params=given.keep,
        round_to=2,
        lr=0.05,
        weight_decay=5e-3,
        alpha=0.5,
        beta=2.0,
        device="cpu",
    )
    print(f"physically removed: {report.size_reduction:.1%}")
    print("\n".join(error_lines(report.extra["regression"]["errors"])))

    run = given.out / given.method
    films = read_films(given.films)[-5:]
    featuriser = MovieFeaturiser.load(run / "features.json")
    rows = featuriser.transform(films)[:, :, None, None]
    throughput(run / "student.onnx", rows, given.repeats)
    with OnnxRuntimeRunner(run / "student.onnx", 1) as student:
        (ratings,) = student.infer({"input": rows}).values()
    for film, rating in zip(films, ratings.ravel(), strict=True):
        print(f"{film.year}: rated {rating:.1f}, was {film.rating:.1f}")


if __name__ == "__main__":
    main()

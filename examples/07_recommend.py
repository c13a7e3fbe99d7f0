"""Interactions to recommendations: train, prune tables and all, export, and recommend.

    pip download --no-deps recbole==1.2.1
    python examples/07_recommend.py recbole-1.2.1-py3-none-any.whl --user 196
    python examples/07_recommend.py my-shop/ --user alice    # my-shop.inter, .user, .item

NeuMF learns who took what; every user's last item is held out, and networks are judged by whether
they put it among the first ten of all items. A smaller network is pruned under it to 40 % of its
parameters, most of which are rows of its tables. Its ONNX file is then timed at the batch sizes of
recommenders, one thread each, and ranks all items for a user. Ids become rows of the tables through
`vocabulary.json`, so that a device needs neither PyTorch nor the interactions.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edgeprune
from edgeprune.data.ratings import RatingsEncoder
from edgeprune.device.latency import measure_interleaved
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.errors import EdgepruneError
from edgeprune.pretrain import pretrain
from edgeprune.report.ranking_table import ranking_lines

BATCHES = (1, 64, 1024)


def main() -> int:
    """Train, prune, time, recommend."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ratings", type=Path)
    parser.add_argument("--user", required=True, help="who gets recommendations")
    parser.add_argument("--teacher", default="neumf")
    parser.add_argument("--student", default="neumf_small")
    parser.add_argument("--method", default="ss_sad")
    parser.add_argument("--keep", type=float, default=0.4, help="share of the parameters")
    parser.add_argument("--teacher-epochs", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=200, help="of a timed inference")
    parser.add_argument("--out", type=Path, default=Path("runs/recommend"))
    given = parser.parse_args()
    try:
        run = compressed(given)
        encoder = RatingsEncoder.load(run / "vocabulary.json")
        throughput(run / "student.onnx", encoder, given.repeats)
        for item, score in recommended(run / "student.onnx", encoder, given.user):
            print(f"item {item}: {score:+.3f}")
    except EdgepruneError as error:  # such as a user who is unknown
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def compressed(given: argparse.Namespace) -> Path:
    """The run folder of a pruned student; what is there already is not done again."""
    data = f"ratings:{given.ratings}"
    teacher, run = given.out / "teacher.pt", given.out / given.method
    pretrain(given.teacher, data, teacher, epochs=given.teacher_epochs, device="cpu")
    report = edgeprune.compress(
        teacher,
        given.student,
        data,
        given.method,
        out=run,
        epochs=given.epochs,
        target_params=given.keep,
        device="cpu",
    )
    found = report.extra["ranking"]
    print(f"physically removed, tables included: {report.size_reduction:.1%}")
    print("\n".join(ranking_lines(found["figures"], found["k"])))
    return Path(run)


def throughput(onnx: Path, encoder: RatingsEncoder, repeats: int) -> None:
    """Print scored pairs a second on one core."""
    print(f"{onnx.name}: {onnx.stat().st_size:,} bytes")
    rng = np.random.default_rng(0)
    for batch in BATCHES:
        users, items = (rng.integers(1, rows, batch) for rows in encoder.rows[:2])
        runner = OnnxRuntimeRunner(onnx, 1)
        feed = named(onnx, encoder.inputs(users, items))
        found = measure_interleaved({"student": runner}, feed, repeats=repeats)["student"]
        print(
            f"batch {batch:>4}: p50 {found.p50_ms:.3f} ms, p99 {found.p99_ms:.3f} ms, "
            f"{1000 * batch / found.p50_ms:,.0f} pairs/s per core"
        )


def recommended(
    onnx: Path, encoder: RatingsEncoder, user: str, count: int = 10
) -> list[tuple[str, float]]:
    """The items with the highest scores for a user, as the file calls them.

    What the user has already is among them: leave it out where that is known.
    """
    items = encoder.items.tokens
    inputs = encoder.encode([user] * len(items), items)
    with OnnxRuntimeRunner(onnx, 1) as student:
        (scores,) = student.infer(named(onnx, inputs)).values()
    best = np.argsort(-scores.ravel(), kind="stable")[:count]
    return [(items[place], float(scores.ravel()[place])) for place in best]


def named(onnx: Path, inputs: tuple[NDArray[np.int64], ...]) -> dict[str, NDArray[np.int64]]:
    """Inputs under the names that the graph has for them."""
    with OnnxRuntimeRunner(onnx, 1) as student:
        return dict(zip(student.input_names, inputs, strict=True))


if __name__ == "__main__":
    sys.exit(main())

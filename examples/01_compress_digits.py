"""From a trained teacher to a smaller, verified student, in one call.

    pip install 'edgeprune[demo]'
    python examples/01_compress_digits.py

Trains a teacher on scikit-learn's handwritten digits (your own would come from a file), compresses
it with SS-SAD, and prints what the report says: sizes, accuracy, how exact the removal was, how
well the ONNX file agrees with PyTorch, and latency before and after. Give the same command again
and it returns at once; interrupt it and it goes on where it was.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import edgeprune
from edgeprune.pretrain import pretrain


def main() -> None:
    """Train a teacher, compress it, print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--teacher", default="wrn_16_2", help="architecture of the teacher")
    parser.add_argument("--student", default="wrn_16_1", help="architecture of the student")
    parser.add_argument("--method", default="ss_sad", choices=("sp_sad", "lth_sad", "ss_sad"))
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--train-limit", type=int, help="use fewer training images")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/digits"))
    args = parser.parse_args()

    # Any teacher does: a checkpoint, a state_dict with its architecture, or a module in memory.
    teacher = args.out / "teacher.pt"
    limit = {} if args.train_limit is None else {"train_limit": args.train_limit}
    pretrain(args.teacher, "digits", teacher, epochs=args.epochs, batch_size=64, **limit)

    report = edgeprune.compress(
        teacher,
        student=args.student,
        data="digits",
        method=args.method,
        preset="quick",
        out=args.out / args.method,
        epochs=args.epochs,
        batch_size=64,
        target_params=0.4,  # keep 40 % of the parameters ...
        target_macs=0.6,  # ... and at most 60 % of the multiply-accumulates
        show_progress=True,
        **limit,
    )

    # The figures below are measured, each on this machine and in this run.
    assert report.equivalence is not None
    assert report.onnx is not None
    assert report.latency_ms is not None
    dense, student = report.latency_ms["dense_student"], report.latency_ms["student"]
    assert dense is not None
    assert student is not None
    print(f"teacher   {report.teacher['params']:>9,} parameters, {report.teacher['metric']:.2f} %")
    print(f"student   {report.student['params']:>9,} parameters, {report.student['metric']:.2f} %")
    print(f"physically removed: {report.size_reduction:.1%} of the dense student's parameters")
    print(f"removal against masking, relative error: {report.equivalence['max_rel_error']}")
    print(f"ONNX against PyTorch, absolute error: {report.onnx['max_abs_error']:.1e}")
    print(f"latency p50: {student['p50']:.2f} ms, dense student {dense['p50']:.2f} ms")
    print(f"everything else: {args.out / args.method / 'report.html'}")


if __name__ == "__main__":
    main()

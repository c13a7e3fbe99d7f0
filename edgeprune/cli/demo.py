"""`edgeprune demo`: teacher, student, proof, export, latency, report, on scikit-learn's digits."""

from __future__ import annotations

from pathlib import Path

import click

from edgeprune.recipe import METHODS

TEACHER_ARCH, TEACHER_EPOCHS = "wrn_16_2", 12
STUDENT_ARCH, STUDENT_EPOCHS = "wrn_16_1", 12
# AFD is a mean over positions, so on 8x8 images it is 16 times what it is on the 32x32 images
# that the presets' beta = 200 is meant for.
BETA = 200 / 16


@click.command(name="demo")
@click.option("--method", type=click.Choice(METHODS), default="ss_sad", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/demo"),
              show_default=True, help="Folder of the demo.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print report.json on stdout.")
def command(method: str, out: Path, seed: int, as_json: bool) -> None:
    """Run the whole pipeline on 1,797 real handwritten digits, on this machine's CPU.

    \b
    Trains a teacher, makes a student with at least 60 % fewer parameters, proves the removal,
    exports it to ONNX, measures latency before and after, and writes report.html.
    Interrupted, it goes on where it was.
    """
    from edgeprune.cli.output import print_report
    from edgeprune.pipeline import compress
    from edgeprune.pretrain import pretrain

    teacher = out / "teacher.pt"
    pretrain(
        TEACHER_ARCH,
        "digits",
        teacher,
        epochs=TEACHER_EPOCHS,
        seed=seed,
        batch_size=64,
        device="cpu",
        show_progress=True,
    )
    report = compress(
        teacher,
        STUDENT_ARCH,
        "digits",
        method,
        preset="quick",
        out=out / method,
        seed=seed,
        epochs=STUDENT_EPOCHS,
        batch_size=64,
        target_params=0.4,
        beta=BETA,
        device="cpu",
        show_progress=True,
    )
    print_report(report, out / method, as_json)

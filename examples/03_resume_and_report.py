"""Kill a run as hard as possible, give the same command again, and read what it left.

    python examples/03_resume_and_report.py

A run is started by the command line and killed with SIGKILL after its second epoch. The same
settings through the Python API go on where it was: finished epochs are not trained again, and on a
CPU with the same seed and thread count the student is the one of an uninterrupted run. Then the run
folder is read back: the report, the history of all epochs and the table of the terminal.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

import edgeprune
from edgeprune.pretrain import pretrain
from edgeprune.report.run_files import HISTORY_NAME, load_history, load_predictions
from edgeprune.report.terminal import run_table


def run_and_kill(teacher: Path, settings: dict[str, Any], out: Path) -> None:
    """Start `edgeprune compress` as a process and kill it once two epochs are written down."""
    command = [sys.executable, "-m", "edgeprune", "compress", str(teacher), "--out", str(out)]
    command += [f"--{name}={settings[name]}" for name in ("method", "data", "student", "epochs")]
    command += [f"--target-params={settings['target_params']}"]
    command += ["--set", f"batch_size={settings['batch_size']}"]
    command += ["--set", f"train_limit={settings['train_limit']}"]
    process = subprocess.Popen(command)
    history = out / HISTORY_NAME
    while process.poll() is None:
        if history.exists() and len(history.read_text().splitlines()) >= 2:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.02)


def main() -> None:
    """Interrupt, resume, report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--teacher", type=Path, help="checkpoint; default: trains one")
    parser.add_argument("--student", default="wrn_16_1")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--train-limit", type=int, default=1200)
    parser.add_argument("--out", type=Path, default=Path("runs/examples/resume"))
    args = parser.parse_args()

    teacher = args.teacher or args.out / "teacher.pt"
    if args.teacher is None:
        pretrain("wrn_16_2", "digits", teacher, epochs=args.epochs, batch_size=64)
    settings = {
        "method": "sp_sad",
        "data": "digits",
        "student": args.student,
        "epochs": args.epochs,
        "batch_size": 64,
        "train_limit": args.train_limit,
        "target_params": 0.4,
    }
    run = args.out / "run"
    run_and_kill(teacher, settings, run)
    before = len(load_history(run))
    print(f"killed after epoch {before}; {run}/state holds what is needed to go on")

    report = edgeprune.compress(teacher, out=run, show_progress=True, **settings)
    history = load_history(run)
    print(f"resumed: {len(history)} epochs in the history, {before} of them from the killed run")
    for row in history:
        place = f"{row['stage']} epoch {row['epoch'] + 1}"
        print(f"  {place}: {row['params']:,.0f} parameters, {row['val_top1']:.1f} %")
    Console().print(run_table(report, load_predictions(run)))


if __name__ == "__main__":
    main()

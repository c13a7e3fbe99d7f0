"""The conditions a run began under, and putting them back when it goes on."""

from __future__ import annotations

import json
import os

import torch

from edgeprune.atomic import write_text_atomic
from edgeprune.train.progress import Progress
from edgeprune.train.run_folder import RunFolder


def hold_conditions(folder: RunFolder, world_size: int, precision: str, progress: Progress) -> None:
    """Note thread count, processes, precision and torch version, or restore and compare them.

    Floating-point sums depend on the number of threads, so a resumed run takes over the count it
    began with. What cannot be put back is said, because the result may then differ in the last
    digits.
    """
    path = folder.state / "machine.json"
    now = {
        "threads": torch.get_num_threads(),
        "processes": world_size,
        "precision": precision,
        "torch": torch.__version__,
    }
    if not path.exists():
        write_text_atomic(path, json.dumps(now))
        return
    began = json.loads(path.read_text(encoding="utf-8"))
    torch.set_num_threads(int(began["threads"]))
    now["threads"] = torch.get_num_threads()
    for key, before in began.items():
        if now.get(key) != before:
            progress.note(
                f"note: this run began with {key} = {before} and goes on with {now.get(key)}; "
                "its result may differ from an uninterrupted run"
            )
    cores = os.cpu_count() or 1
    if int(began["threads"]) > cores:
        progress.note(
            f"note: this run began with {began['threads']} threads, this machine has {cores} cores"
        )

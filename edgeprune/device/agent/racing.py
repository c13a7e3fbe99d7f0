"""The race of a bundle's sparse student with its dense form."""

from __future__ import annotations

from typing import Any

from edgeprune.device.agent.events import Events
from edgeprune.device.agent.workbench import Workbench
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.onnx.file import read_onnx
from edgeprune.device.race.parts import medians
from edgeprune.device.race.race import ProfiledLayer, race

STUDENT = "student"
_TURNS = 3  # so that a slow spell of the machine meets both


def run_race(bench: Workbench) -> dict[str, Any]:
    """Profile both in turns, and say which sparse layers lost.

    Returns:
        What `Race.as_dict` holds, with the runtime, its profiler, batch and threads.

    Raises:
        BundleError: the bundle has nothing that races.
        DeviceError: a network cannot be profiled.
    """
    work = bench.work
    rival = work.manifest.rival
    if rival is None:
        raise BundleError(
            f"{work.bundle}: nothing to race, since no sparse layer of its student is open: "
            "edgeprune deploy RUN --sparse auto makes a bundle that has some"
        )
    student = work.manifest.model(STUDENT)
    named = read_onnx(work.bundle / student.onnx).json_metadata("sparse_layers")
    layers = tuple(dict.fromkeys(map(str, named or ())))
    turns: dict[str, list[tuple[ProfiledLayer, ...]]] = {rival.name: [], student.name: []}
    for number in range(_TURNS):
        work.events.step(f"racing {len(layers)} sparse layers, turn {number + 1} of {_TURNS}")
        for model in (rival, student):
            turns[model.name].append(bench.profile(model, layers))
    found = race(medians(turns[rival.name]), medians(turns[student.name]), layers)
    for reason in found.reasons:
        work.events.step(reason)
    return {
        **found.as_dict(),
        "runtime": work.label,
        "profiler": bench.profiler,
        "batch": work.batch,
        "threads": work.threads,
    }


def advise(found: dict[str, Any], events: Events) -> None:
    """What to do about layers that lost, where no host is there to export again."""
    back = set(found["back"])
    if not back:
        return
    raced = [layer for each in found["comparisons"] for layer in each["layers"]]
    kept = [layer for layer in raced if layer not in back]
    what = f"--sparse '{','.join(kept)}'" if kept else "without --sparse"
    events.note(
        f"sparse layers that lost to dense: {', '.join(found['back'])}; the host exports without "
        f"them: edgeprune deploy RUN {what}"
    )

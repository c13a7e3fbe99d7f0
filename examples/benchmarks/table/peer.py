"""The peer: Torch-Pruning prunes the trained dense student in one shot, our loop fine-tunes it.

DepGraph's pruner (Fang et al., CVPR 2023, arXiv 2301.12900) with its defaults for one-shot
pruning: group L2 norms, ranked over the whole network or among groups of equal structure
(isomorphic pruning, Fang et al., ECCV 2024, arXiv 2407.04616). It knows no budget, so its pruning
ratio is searched until parameters and MACs meet ours. Fine-tuning takes the epochs, the learning
rates and, in one of two variants, the teacher that our methods get; going through the whole
schedule again is at least as good as a small constant rate (Renda et al., ICLR 2020, arXiv
2003.02389).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgeprune.atomic import write_text_atomic
from edgeprune.errors import BudgetMissedError, UnsupportedError, UserInputError
from edgeprune.methods.finish import Finish
from edgeprune.methods.history_file import RecordedProgress
from edgeprune.methods.machine import hold_conditions
from edgeprune.methods.outcome import Outcome, deliver
from edgeprune.methods.run import Run
from edgeprune.methods.setup import Sources, prepare_run
from edgeprune.methods.student import Student
from edgeprune.models.summary import count_macs, count_params
from edgeprune.recipe import Recipe, default_settings
from edgeprune.report.run_report import REPORT_NAME, RunReport
from edgeprune.train.distributed import join_world
from edgeprune.train.precision import choose_precision
from edgeprune.train.progress import Progress
from edgeprune.train.run_folder import RunFolder
from table.rows import DENSE_SAD

_STEP = 0.0125  # of the pruning ratio
_FLOOR = 0.1  # every layer keeps this share, as with us


@dataclass(frozen=True)
class Start:
    """The trained dense student that is pruned: a control of another run."""

    run: Path
    control: str

    def network(self) -> dict[str, Any]:
        """Its snapshot.

        Raises:
            UserInputError: that control is not trained yet.
        """
        held = RunFolder(self.run).load(f"control-{self.control}.done")
        if held is None:
            raise UserInputError(f"{self.run}: no finished control {self.control} to prune")
        network: dict[str, Any] = held["network"]
        return network


def run_peer(
    recipe: Recipe, sources: Sources, start: Start, out: Path, device: str, shown: Progress
) -> None:
    """Prune and fine-tune into the run folder `out`; resumable like `compress`."""
    recipe = recipe.model_copy(update={"method": "torch_pruning"})
    folder = RunFolder(out)
    folder.create()
    world = join_world(device)
    with folder.locked():
        folder.remove_leftovers()
        settings = recipe.model_dump(mode="json")
        identity = {**settings, "start": start.control, "teacher": sources.teacher_fingerprint()}
        folder.claim(identity, out / REPORT_NAME, default_settings())
        if (out / REPORT_NAME).exists():
            return
        progress = RecordedProgress(folder.path / "history.jsonl", shown)
        precision = choose_precision(recipe.precision, world.device)
        hold_conditions(folder, world.size, precision.name, shown)
        run, context = prepare_run(recipe, sources, folder, world, progress)
        write_text_atomic(folder.path / "recipe.yaml", recipe.to_yaml())
        student = _pruned(run, start)
        loss = run.sad_loss() if start.control == DENSE_SAD else run.plain_loss()
        run.train(student, "finetune", run.final_training().with_loss(loss))
        epochs = len(run.history)
        report = deliver(run, context, Outcome(student, {}, epochs, epochs, Finish()))
        _write(replace(report, search_epochs=float(recipe.epochs)), folder)


def _pruned(run: Run, start: Start) -> Student:
    """The pruned student before fine-tuning, from the folder where it is there already."""
    student = run.original_student()
    held = run.folder.load("pruned")
    record: dict[str, Any]
    if held is None:
        whole = {"params": count_params(student.module), "macs": _macs(run, student.module)}
        student.restore(start.network())
        found = _within_budget(run, student.module, whole)
        student.module = found.network
        record = found.record
        run.folder.save("pruned", {"network": student.snapshot(), "record": record})
    else:
        student.restore(held["network"])
        record = held["record"]
    student.module.to(run.world.device)
    run.events.append(record)
    run.progress.note(f"Torch-Pruning: ratio {record['ratio']:.4f}, {record['params']:,} params")
    return student


@dataclass(frozen=True)
class _Found:
    network: nn.Module
    record: dict[str, Any]
    met: bool

    @property
    def params(self) -> int:
        """Its size."""
        return int(self.record["params"])


def _within_budget(run: Run, dense: nn.Module, whole: Mapping[str, int]) -> _Found:
    """The largest network that meets every budget.

    One ratio cannot meet two budgets exactly, and costs do not fall evenly with it, so the ratio
    rises step by step under both of the tool's rankings and the better of the two is taken.
    """
    found = []
    for isomorphic in (False, True):
        ratios = (step * _STEP for step in range(1, round(1 / _STEP)))
        tried = (_prune(run, dense, ratio, isomorphic, whole) for ratio in ratios)
        found += [next((one for one in tried if one.met), None)]
    best = max((one for one in found if one is not None), key=lambda one: one.params, default=None)
    if best is None:
        raise BudgetMissedError(f"{run.folder.path}: Torch-Pruning does not reach the budget")
    return best


def _prune(
    run: Run, dense: nn.Module, ratio: float, isomorphic: bool, whole: Mapping[str, int]
) -> _Found:
    try:
        import torch_pruning as tp
    except ImportError as failure:
        raise UnsupportedError("the peer needs torch-pruning: pip install 'edgeprune[test]'") from (
            failure
        )
    network = copy.deepcopy(dense).cpu().eval()
    classes = len(run.data.classes)
    outputs = [
        module
        for module in network.modules()
        if isinstance(module, nn.Linear) and module.out_features == classes
    ]
    pruner = tp.pruner.BasePruner(
        network,
        run.data.example_inputs(1)[0],
        importance=tp.importance.GroupMagnitudeImportance(p=2),
        global_pruning=True,
        isomorphic=isomorphic,
        pruning_ratio=ratio,
        max_pruning_ratio=1.0 - _FLOOR,
        round_to=run.recipe.round_to,
        ignored_layers=outputs,
    )
    pruner.step()
    return _judged(run, network, {"ratio": ratio, "isomorphic": isomorphic}, whole)


def _judged(
    run: Run, network: nn.Module, choice: Mapping[str, Any], whole: Mapping[str, int]
) -> _Found:
    left = {"params": count_params(network), "macs": _macs(run, network)}
    asked = {
        f"target_{name}": getattr(run.recipe, f"target_{name}")
        for name in whole
        if getattr(run.recipe, f"target_{name}") is not None
    }
    reached = {f"target_{name}": left[name] / whole[name] for name in whole}
    record: dict[str, Any] = {
        **left,
        **choice,
        "asked": asked,
        "reached": reached,
        "skipped": [],
        "equivalence": None,  # not ours to prove
    }
    return _Found(network, record, all(reached[name] <= asked[name] for name in asked))


def _macs(run: Run, network: nn.Module) -> int:
    example: tuple[Tensor, ...] = run.data.example_inputs(1)
    device = next(network.parameters()).device
    with torch.no_grad():
        return count_macs(network, tuple(tensor.to(device) for tensor in example))


def _write(report: RunReport, folder: RunFolder) -> None:
    write_text_atomic(folder.path / REPORT_NAME, report.to_json() + "\n")

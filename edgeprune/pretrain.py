"""Training a teacher: the same loop, state and resume as everything else, without a teacher."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from edgeprune.atomic import write_text_atomic
from edgeprune.data.dataset import Data
from edgeprune.data.randomness import keyed_generator
from edgeprune.data.registry import load_data
from edgeprune.errors import UserInputError
from edgeprune.methods.compared import baseline_figures, baselines_of
from edgeprune.methods.history_file import RecordedProgress
from edgeprune.methods.machine import hold_conditions
from edgeprune.methods.student import Student, seeded
from edgeprune.models.checkpoint import checkpoint_of, load_checkpoint, save_checkpoint
from edgeprune.models.initialise import start_at
from edgeprune.models.registry import build_model
from edgeprune.models.summary import count_params
from edgeprune.recipe import data_settings, resolve_recipe
from edgeprune.train.compiling import require_compiler
from edgeprune.train.distributed import World, join_world, leave_world
from edgeprune.train.evaluate import metric_on, predict
from edgeprune.train.fit import Fit
from edgeprune.train.learner import Learner
from edgeprune.train.learning_rate import LearningRate
from edgeprune.train.precision import Precision, choose_precision
from edgeprune.train.progress import ConsoleProgress, Progress
from edgeprune.train.run_folder import RunFolder
from edgeprune.train.score import score_of
from edgeprune.train.settings import FitSettings, LossSettings, OptimiserSettings

_STAGE = "train"
_NETWORK = "network"
_DATA_SETTINGS = ("train_limit", "image_size", "augment", "val_fraction")
_OTHER_SETTINGS = ("precision", "weight_decay", "momentum", "optimizer")


@dataclass(frozen=True)
class TrainResult:
    """A trained teacher.

    Attributes:
        val_top1: percent; None where the data has values or lists, not classes.
        test_top1: percent, from one read of the test set; likewise.
        metrics: of the task, whatever it is, by `val_NAME` and `test_NAME`.
        regression: of values: `errors` (MSE and MAE with 95 % intervals of the network and of the
            baselines), `network_minus` (difference in MSE to every baseline, paired).
        ranking: of lists: `figures` (HR@k and NDCG@k, likewise) and `network_minus`.
        train_seconds: over all epochs, whatever process did them.
    """

    path: str
    arch: str
    params: int
    epochs: int
    val_top1: float | None
    test_top1: float | None
    train_seconds: float
    metrics: Mapping[str, Any]
    regression: Mapping[str, Any] | None = None
    ranking: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def pretrain(
    arch: str,
    data: str,
    out: str | os.PathLike[str],
    *,
    epochs: int | None = None,
    seed: int = 0,
    lr: float | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    compile: bool = False,
    show_progress: bool = False,
    **settings: Any,
) -> TrainResult:
    """Train `arch` from scratch with a one-cycle rate, and write a checkpoint.

    The state of an unfinished training lies in `<out>.run/`; the same call goes on from there, and
    returns at once when the checkpoint is complete.

    Args:
        arch: zoo or torchvision name.
        data: specification, see `edgeprune.data.load_data`.
        out: checkpoint to write.
        epochs: default 40; 12 for films, 20 for ratings.
        lr: the highest rate; default 0.1, and 0.05 with ten times the weight decay for films;
            ratings are trained with Adam (see `recipes/ratings.yaml`).
        batch_size: default 128; 1024 for ratings.
        compile: train through `torch.compile`, after half a minute or more of compiling.
        settings: `train_limit`, `image_size`, `augment`, `val_fraction`, `precision`,
            `weight_decay`, `momentum`, `optimizer`.

    Raises:
        UserInputError: a setting that does not apply here, or unusable data.
        RunBusyError: another process trains into the same file.
        UnsupportedError: `compile` without a C++ compiler.
    """
    out = Path(out)
    _refuse_other_settings(settings)
    asked = {"epochs": epochs, "seed": seed, "lr": lr, "batch_size": batch_size, **settings}
    given = {key: value for key, value in asked.items() if value is not None}
    checked = _checked({**_defaults(data), **given}, data)
    folder = RunFolder(out.with_name(f"{out.name}.run"))
    world = join_world(device)
    shown: Progress = ConsoleProgress() if show_progress and world.is_main else Progress()
    try:
        if compile:
            require_compiler(world.device)
            checked["compile"] = True
        folder.create()
        with folder.locked_by(world):
            identity = {
                "arch": arch, "data": data, "processes": world.size, **checked,
            }  # fmt: skip
            if world.is_main:
                folder.claim(identity, out)
            return _train(arch, data, out, identity, folder, world, shown)
    finally:
        shown.close()
        leave_world()


def _train(
    arch: str,
    data_spec: str,
    out: Path,
    identity: Mapping[str, Any],
    folder: RunFolder,
    world: World,
    shown: Progress,
) -> TrainResult:
    if out.exists():
        return _result(out)
    seed = int(identity["seed"])
    chosen = {key: identity[key] for key in _DATA_SETTINGS if key in identity}
    data = load_data(data_spec, seed=seed, progress=shown.decoding, **chosen)
    for note in data.notes:
        shown.note(note)
    arguments = data.arch_args
    student = Student(
        seeded(
            lambda: _fresh(arch, arguments, data), keyed_generator(seed, "teacher").initial_seed()
        )
    )
    settings = _settings(identity)
    precision = choose_precision(settings.precision, world.device)
    progress = RecordedProgress(folder.path / "history.jsonl", shown) if world.is_main else shown
    if world.is_main:
        hold_conditions(folder, world.size, precision.name, shown)
    fit = Fit(
        student, settings, data, folder, world, precision, progress,
        make_learner=lambda: _learner(student, settings, data, world, precision),
    )  # fmt: skip
    history = fit.run().history
    score = score_of(data)
    if data.task != "classification":
        shown.note(f"{'':>10}  fitting the baselines, which need no network")
    figures = _test(student.module, data, world, precision, seed)
    metrics = {f"val_{score.name}": history[-1][f"val_{score.name}"], **figures.metrics}
    provenance = {
        **identity,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        **metrics,
        "train_seconds": sum(row["seconds"] for row in history),
        **figures.report,
    }
    if world.is_main:
        checkpoint = checkpoint_of(
            student.module.cpu().eval(),
            arch=arch,
            arch_args=arguments,
            preprocessing=data.preprocessing,
            classes=data.classes,
            metrics=metrics,
            provenance=provenance,
            inputs_digest=data.inputs_digest,
        )
        for name, text in data.attachments.items():
            write_text_atomic(out.with_name(f"{out.stem}.{name}"), text)
        save_checkpoint(out, checkpoint)
        folder.discard(f"{_STAGE}.done")
    return _told(out, provenance, metrics, count_params(student.module))


@dataclass(frozen=True)
class _Figures:
    metrics: dict[str, float]
    report: dict[str, Any] = field(default_factory=dict)


def _test(module: nn.Module, data: Data, world: World, precision: Precision, seed: int) -> _Figures:
    """The one read of the test split; where it has no classes, with the baselines beside."""
    score = score_of(data)
    if data.task == "classification":
        return _Figures({f"test_{score.name}": metric_on(module, data, "test", world, precision)})
    module.eval()
    baselines = baselines_of(data, seed)
    networks = {_NETWORK: lambda inputs: module(*inputs), **baselines.forwards}
    found = predict(networks, data, "test", world.device)
    metrics = {f"test_{score.name}": score.mean(found[_NETWORK], found["targets"])}
    return _Figures(metrics, baseline_figures(found, baselines, data, _NETWORK))


def _fresh(arch: str, arguments: Mapping[str, Any], data: Data) -> nn.Module:
    network = build_model(arch, **arguments)
    if data.task != "classification":
        start_at(network, data.target_mean())
    return network


def _result(out: Path) -> TrainResult:
    held = load_checkpoint(out)
    params = sum(tensor.numel() for tensor in held.parameters().values())
    try:
        return _told(out, held.provenance, held.metrics, params)
    except KeyError as failure:
        raise UserInputError(
            f"--out {out}: exists and was not made by edgeprune train; choose another file"
        ) from failure


def _told(
    out: Path, provenance: Mapping[str, Any], metrics: Mapping[str, Any], params: int
) -> TrainResult:
    regression, ranking = provenance.get("regression"), provenance.get("ranking")
    has_classes = not (regression or ranking)
    return TrainResult(
        str(out),
        str(provenance["arch"]),
        params,
        int(provenance["epochs"]),
        float(metrics["val_top1"]) if has_classes else None,
        float(metrics["test_top1"]) if has_classes else None,
        float(provenance["train_seconds"]),
        dict(metrics),
        regression,
        ranking,
    )


def _settings(identity: Mapping[str, Any]) -> FitSettings:
    epochs = int(identity["epochs"])
    return FitSettings(
        stage=_STAGE,
        epochs=epochs,
        batch_size=int(identity["batch_size"]),
        rate=LearningRate(float(identity["lr"]), "one_cycle", epochs),
        loss=LossSettings(),
        optimiser=OptimiserSettings(
            momentum=float(identity.get("momentum", 0.9)),
            weight_decay=float(identity.get("weight_decay", 5e-4)),
            nesterov=True,
            kind=identity.get("optimizer", "sgd"),
        ),
        seed=int(identity["seed"]),
        precision=str(identity.get("precision", "auto")),
        compile=bool(identity.get("compile", False)),
    )


def _learner(
    student: Student, settings: FitSettings, data: Data, world: World, precision: Precision
) -> Learner:
    probe = tuple(tensor.to(world.device) for tensor in data.example_inputs(2))
    return Learner(student.module, (), None, settings, world, precision, probe, data.task)


def _defaults(data: str) -> dict[str, Any]:
    """What is not given. Ten thousand films are learnt by heart in the time that images take."""
    if data.startswith("movies:"):
        return {"epochs": 12, "lr": 0.05, "weight_decay": 5e-3, "batch_size": 128}
    if data.startswith("ratings:"):
        return {
            "epochs": 20,
            **data_settings(data, ("lr", "weight_decay", "batch_size", "optimizer")),
        }
    return {"epochs": 40, "lr": 0.1, "batch_size": 128}


def _checked(settings: Mapping[str, Any], data: str) -> dict[str, Any]:
    """The settings with the types and within the bounds that a recipe gives them."""
    recipe = resolve_recipe("sp_sad", "quick", {**settings, "data": data})
    return {key: getattr(recipe, key) for key in settings}


def _refuse_other_settings(settings: Mapping[str, Any]) -> None:
    allowed = (*_DATA_SETTINGS, *_OTHER_SETTINGS)
    for key in settings:
        if key not in allowed:
            raise UserInputError(
                f"--set {key}: a teacher's training has no such setting; it has "
                f"{', '.join(allowed)}"
            )

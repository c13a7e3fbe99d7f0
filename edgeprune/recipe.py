"""Every setting of a run, validated. `recipes/*.yaml` are the presets.

A recipe is resolved in this order: preset for all methods, preset for the method, then the user's
settings. Numbers that only make sense relative to the length of the training (`every`,
`milestones`) scale with `epochs` unless the user gives them.
"""

from __future__ import annotations

import difflib
import os
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from edgeprune.errors import CorruptFileError, UserInputError

Method = Literal["sp_sad", "lth_sad", "ss_sad"]
Preset = Literal["paper", "sound", "quick"]
Granularity = Literal["channel", "weight", "vector", "2:4"]
Control = Literal[
    "dense", "dense-long", "dense-ce", "width", "reinit", "random-mask", "ce", "kd-only"
]
METHODS: tuple[Method, ...] = ("sp_sad", "lth_sad", "ss_sad")
PRESETS: tuple[Preset, ...] = ("paper", "sound", "quick")
GRANULARITIES: tuple[Granularity, ...] = ("channel", "weight", "vector", "2:4")
CONTROLS: tuple[Control, ...] = (
    "dense",
    "dense-long",
    "dense-ce",
    "width",
    "reinit",
    "random-mask",
    "ce",
    "kd-only",
)
_TWO_TO_FOUR_IN_BASE_60 = 124  # what YAML 1.1 reads where 2:4 stands without quotes
MEASURED_TARGETS = ("target_latency_ms", "target_energy_mj")
TARGETS = ("pruning_ratio", "target_params", "target_macs", *MEASURED_TARGETS)
_SHOWN = 120  # characters of a user's text that a message repeats
_SCALES_WITH_EPOCHS = ("every", "milestones", "search_milestones", "warm_epochs")

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]


class Recipe(BaseModel):
    """One run, fully determined together with the teacher, the data and the software versions."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    method: Method
    preset: Preset = "quick"
    data: str
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0

    # What is trained.
    arch: str | None = Field(None, description="architecture of a bare teacher state_dict")
    model: str | None = Field(None, description="pkg.mod:factory that builds the teacher")
    student: str | None = Field(None, description="architecture or pkg.mod:factory of the student")
    teacher_taps: tuple[str, ...] | None = None
    student_taps: tuple[str, ...] | None = None

    # The loss: CE + alpha * KL * tau^2 + beta * AFD.
    alpha: Annotated[float, Field(ge=0.0)] = 0.9
    beta: Annotated[float, Field(ge=0.0)] = 200.0
    tau: Positive = 4.0
    head_dim: Count = 128

    # The delivered network's training.
    epochs: Count = 10
    batch_size: Annotated[int, Field(ge=2)] = 128
    lr: Positive = 0.1
    lr_schedule: Literal["multistep", "cosine", "one_cycle"] = "cosine"
    milestones: tuple[Count, ...] = ()
    lr_gamma: Positive = 0.1
    warmup: Fraction = Field(0.0, description="fraction of the training with a rising rate")
    optimizer: Literal["sgd", "adam"] = "sgd"
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0.0)] = 5e-4

    # Pruning.
    granularity: Granularity = Field(
        "channel", description="2:4 removes channels, then holds two of four weights at zero"
    )
    vector: Literal[4, 8, 32] = Field(
        4,
        description="output channels whose weights go together at granularity vector; those of 32, "
        "for tensor cores, in eights",
    )
    refill: bool = Field(
        False, description="keep a weight ticket's densest channels whole, remove the others"
    )
    importance: Literal["l2", "l1", "bn", "taylor", "saliency", "fpgm", "random"] = "l2"
    schedule: Literal["additive", "multiplicative", "cubic", "one_shot"] = "cubic"
    rate: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(
        0.1, description="share removed per event (additive: of the original size)"
    )
    every: Count = Field(1, description="epochs between events, or of one lottery round")
    warm_epochs: Annotated[int, Field(ge=0)] = Field(
        0, description="epochs that SP-SAD trains the whole student before its own"
    )
    prune_from: Fraction = Field(0.0, description="share of SP-SAD's epochs before the first event")
    prune_until: Fraction = Field(0.7, description="share of SP-SAD's epochs that may hold events")
    event_warmup: Fraction = Field(
        0.0, description="share of an epoch in which the rate rises again after SP-SAD's events"
    )
    pruning_ratio: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    target_params: Positive | None = None
    target_macs: Positive | None = None
    target_latency_ms: Positive | None = Field(
        None, description="measured on the target, beside the dense network"
    )
    target_energy_mj: Positive | None = Field(
        None, description="of one inference, measured on the target"
    )
    width_candidates: Count = Field(
        24, description="widths tried out for a measured budget; 1: those of the knapsack"
    )
    round_to: Count = 8
    floor: Fraction = 0.1
    floors: dict[str, Fraction] = Field(
        default_factory=dict, description="floor of single layers, by name or pattern"
    )
    global_pruning: bool = True
    isomorphic: bool = Field(False, description="rank channels within groups of one structure")
    per_cost: bool = Field(False, description="rank by importance per parameter and MAC saved")
    ignored_layers: tuple[str, ...] = ()
    layers: tuple[str, ...] = Field((), description="the only layers that are to lose channels")
    attention: Literal["dims", "heads"] = Field(
        "dims", description="narrow all heads alike, or remove whole heads"
    )
    table_rows: Annotated[float, Field(gt=0.0, lt=1.0)] | None = Field(
        None, description="share of each large table's rows kept, by training frequency"
    )
    table_tail: Literal["shared", "hashed"] = Field(
        "shared", description="one row for all other ids, or the root of their number, by hash"
    )
    table_min_rows: Count = Field(100, description="tables of fewer rows keep all of them")

    # Lottery tickets.
    rounds: Count = Field(3, description="search rounds of a cubic or one-shot ticket search")
    rewind: Annotated[float, Field(ge=0.0)] = Field(
        0.0, description="k in rounds; 0 rewinds to the start"
    )
    carry_over: bool = Field(False, description="rounds go on from trained weights, not from θ_k")
    search_lr: Positive | None = Field(None, description="learning rate of the rounds; none: lr")
    search_milestones: tuple[Count, ...] = ()
    lr_scope: Literal["run", "round"] = "round"
    ticket_init: Literal["ticket", "trained"] = "ticket"

    # Finishing stages, after the method's own training: 2:4 sparsity, then training for INT8.
    sparse_epochs: Count | None = Field(
        None, description="epochs with the 2:4 pattern held; none: a third of epochs"
    )
    sparse_lr: Positive | None = Field(None, description="none: a tenth of lr")
    qat: bool = Field(False, description="fine-tune with fake INT8 quantisation")
    qat_epochs: Count | None = Field(
        None, description="epochs with fake quantisation; none: a third of epochs"
    )
    qat_lr: Positive | None = Field(None, description="none: a hundredth of lr")
    qat_ends: bool = Field(
        False, description="quantise the layers that read the images and the classifier as well"
    )

    # Data and machine.
    val_fraction: Annotated[float, Field(gt=0.0, lt=0.9)] = 0.1
    train_limit: Count | None = None
    image_size: Annotated[int, Field(ge=4)] | None = None
    augment: str | None = None
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    latency_batch: Count = 1
    latency_threads: Count | None = Field(None, description="of ONNX Runtime; none: one a core")
    latency_repeats: Annotated[int, Field(ge=3)] = Field(
        7, description="of what is measured for a budget; more where the machine is busy"
    )
    min_accuracy: float | None = None
    max_mse: Positive | None = Field(None, description="of a regression's student, else exit 3")
    min_hit_rate: Fraction | None = Field(None, description="HR@k of a ranking's, else exit 3")

    @field_validator("granularity", mode="before")
    @classmethod
    def _unread_base_60(cls, value: object) -> object:
        return "2:4" if value == _TWO_TO_FOUR_IN_BASE_60 else value

    @model_validator(mode="after")
    def _has_a_target(self) -> Recipe:
        if all(getattr(self, name) is None for name in TARGETS):
            raise ValueError(f"no target: set {', '.join(TARGETS[:-1])} or {TARGETS[-1]}")
        return self

    @property
    def measured_targets(self) -> dict[str, float]:
        """Budgets that only a measurement can tell to be met, by name."""
        given = {name: getattr(self, name) for name in MEASURED_TARGETS}
        return {name: float(value) for name, value in given.items() if value is not None}

    @property
    def masks_weights(self) -> bool:
        """Whether weights are held at zero in place of channels that are removed."""
        return self.granularity in ("weight", "vector")

    @property
    def mask_vector(self) -> int:
        """Output channels whose weights are masked together."""
        return self.vector if self.granularity == "vector" else 1

    def to_yaml(self) -> str:
        """The recipe as YAML, every setting spelled out."""
        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False))


def resolve_recipe(method: str, preset: str, settings: Mapping[str, Any]) -> Recipe:
    """The recipe of `method` under `preset` with the user's `settings` on top.

    Raises:
        UserInputError: an unknown method, preset or setting, or a value out of range.
    """
    if method not in METHODS:
        raise UserInputError(f"unknown method '{method}': use one of {', '.join(METHODS)}")
    if preset not in PRESETS:
        raise UserInputError(f"unknown preset '{preset}': use one of {', '.join(PRESETS)}")
    _refuse_unknown(settings)
    values = _preset_values(preset, method, str(settings.get("data", "")))
    given = {key: value for key, value in settings.items() if value is not None}
    _drop_preset_targets(values, given)
    _scale_to_epochs(values, given)
    return _validated({**values, **given, "method": method, "preset": preset})


def default_settings() -> dict[str, Any]:
    """What a setting is that nobody gave and no preset names."""
    fields = Recipe.model_fields.items()
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in fields
        if not field.is_required()
    }


def load_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Read a resolved `recipe.yaml`.

    Raises:
        CorruptFileError: the file is not YAML, not a mapping, or holds unknown settings.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as failure:
        raise CorruptFileError(f"{path} is not YAML: {_first_line(failure)}") from failure
    if not isinstance(content, dict):
        raise CorruptFileError(f"{path} is not a recipe: expected 'setting: value' lines")
    try:
        return _validated(content)
    except UserInputError as failure:
        raise CorruptFileError(f"{path}: {failure}") from failure


def parse_assignments(assignments: tuple[str, ...]) -> dict[str, Any]:
    """Turn `--set key=value` options into settings; values are read as YAML scalars or lists."""
    settings: dict[str, Any] = {}
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        if not separator or not key:
            raise UserInputError(f"--set {assignment}: write it as --set key=value")
        try:
            value = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as failure:
            raise UserInputError(f"--set {assignment}: {_first_line(failure)}") from failure
        settings[key.strip()] = value
    _refuse_unknown(settings)
    return settings


def data_settings(data: str, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Settings that a kind of data has of its own, whatever the preset; `names` of them if given.

    Tables of ids are trained in another way than convolutions.
    """
    if not data.startswith("ratings:"):
        return {}
    found = _read_yaml("ratings")
    return found if names is None else {name: found[name] for name in names}


def _preset_values(preset: str, method: str, data: str) -> dict[str, Any]:
    content = _read_yaml(preset)
    return {**content["all"], **content[method], **data_settings(data)}


def _read_yaml(name: str) -> dict[str, Any]:
    path = Path(__file__).parent / "recipes" / f"{name}.yaml"
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def _refuse_unknown(settings: Mapping[str, Any]) -> None:
    known = Recipe.model_fields
    for key in settings:
        if key not in known:
            near = difflib.get_close_matches(_shortened(str(key)), known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "see recipe.yaml of any run"
            raise UserInputError(f"unknown setting '{_shortened(str(key))}': {hint}")


def _drop_preset_targets(values: dict[str, Any], given: Mapping[str, Any]) -> None:
    """A target of the user's replaces the preset's, of whatever kind."""
    if any(key in given for key in TARGETS):
        for key in TARGETS:
            values.pop(key, None)


def _scale_to_epochs(values: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Stretch what the preset counts in epochs to the number of epochs the user asks for."""
    epochs = given.get("epochs")
    if not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 1:
        return
    factor = epochs / values["epochs"]
    for key in _SCALES_WITH_EPOCHS:
        value = values.get(key)
        if isinstance(value, int):
            values[key] = max(1, int(value * factor))
        elif isinstance(value, list):
            values[key] = [max(1, round(item * factor)) for item in value]
    if "rounds" in values and factor < 1:
        values["rounds"] = max(1, min(values["rounds"], epochs // values["every"]))


def _validated(values: Mapping[str, Any]) -> Recipe:
    _refuse_unknown(values)
    try:
        return Recipe(**values)
    except ValidationError as failure:
        problem = failure.errors()[0]
        where = ".".join(str(part) for part in problem["loc"]) or "recipe"
        given = problem.get("input")
        # reprlib stops early: aliases make a few lines of YAML a value of millions of items.
        told = _shortened(reprlib.repr(given))
        shown = f" (given: {told})" if problem["loc"] and not isinstance(given, dict) else ""
        raise UserInputError(f"setting '{where}': {problem['msg']}{shown}") from failure


def _first_line(failure: Exception) -> str:
    return _shortened((str(failure).splitlines() or ["unreadable"])[0])


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."

"""The list of what a bundle holds, with a digest of every file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Mapping

from edgeprune.device.bundle.errors import BundleError

FORMAT = "edgeprune-bundle-1"
MANIFEST = "manifest.json"
AGENT = "edgeprune-agent.pyz"


@dataclass(frozen=True)
class BundleInput:
    """One input that the models take.

    Attributes:
        name: of the graphs' input.
        shape: of one sample; (channels, height, width) for images.
        mean: per channel of images scaled to [0, 1]; None where samples are taken as they are.
        std: per channel; None as `mean`.
        dtype: of samples that are taken as they are: `float32`, or `int64` for ids.
        rows: for ids, see `IdRows`; empty where any will do.
        columns: their names.
    """

    name: str
    shape: tuple[int, ...]
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    dtype: str = "float32"
    rows: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class BundleModel:
    """One network.

    Attributes:
        name: `dense` or `student`.
        onnx: its file.
        precision: `fp32`, `fp16` or `int8`.
        reference: file with its outputs for the reference inputs; None where its weights are
            fresh, since then its outputs mean nothing.
        parameters: that it has; None where not counted.
        macs: of one sample; None where not counted.
        needs_plugin: whether it holds sparse convolutions.
    """

    name: str
    onnx: str
    precision: str
    reference: str | None
    parameters: int | None = None
    macs: int | None = None
    needs_plugin: bool = False


@dataclass(frozen=True)
class BundleFile:
    """Digest and size of a file."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """What a bundle holds.

    Attributes:
        name: of the run.
        made_by: edgeprune's version.
        made_from: digest of the student and all settings.
        notes: what a reader of the figures has to know.
        target: that the graphs were written for, such as `jetson-orin`.
        system: its JetPack.
        input: of every model; the first, where they take several.
        classes: in the order of the outputs; None where not known.
        models: the first is what the others are compared with.
        reference_inputs: file with uint8 images, or samples as they are, of shape (samples, ...).
        plugin: file with the sparse convolution's plugin, as source or as a library; None where
            no model needs it.
        files: every file but the manifest.
        more_inputs: those after the first.
        more_reference_inputs: a file for each of them.
        rival: a student with sparse layers brings itself with all layers dense, to race with; None
            where there is nothing to decide.
    """

    name: str
    made_by: str
    made_from: str
    notes: tuple[str, ...]
    target: str
    system: str
    input: BundleInput
    classes: tuple[str, ...] | None
    models: tuple[BundleModel, ...]
    reference_inputs: str
    plugin: str | None
    files: Mapping[str, BundleFile]
    more_inputs: tuple[BundleInput, ...] = ()
    more_reference_inputs: tuple[str, ...] = ()
    rival: BundleModel | None = None

    @property
    def all_models(self) -> tuple[BundleModel, ...]:
        """Those that are measured, and the rival."""
        return self.models if self.rival is None else (*self.models, self.rival)

    @property
    def inputs(self) -> tuple[BundleInput, ...]:
        """All that the models take, in the order of the graphs."""
        return (self.input, *self.more_inputs)

    @property
    def references(self) -> dict[str, str]:
        """The file with reference samples of each input, by its name."""
        files = (self.reference_inputs, *self.more_reference_inputs)
        return {given.name: file for given, file in zip(self.inputs, files)}

    def model(self, name: str) -> BundleModel:
        """The model of a name.

        Raises:
            BundleError: there is none.
        """
        for model in self.models:
            if model.name == name:
                return model
        known = ", ".join(model.name for model in self.models)
        raise BundleError(f"{name}: the bundle has no such model; it has {known}")

    def to_json(self) -> str:
        """What `manifest.json` holds."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n"


def manifest_from(text: str, where: str) -> Manifest:
    """A manifest from its JSON.

    Args:
        where: it is from, for messages.

    Raises:
        BundleError: it is damaged or of another release.
    """
    try:
        values = json.loads(text)
        if values["format"] != FORMAT:
            raise BundleError(
                f"{where}: is of another edgeprune ({values['format']}); deploy the run again"
            )
        return _manifest(values)
    except (ValueError, KeyError, TypeError, AttributeError) as failure:
        raise BundleError(f"{where}: is damaged; deploy the run again") from failure


def _manifest(values: Mapping[str, Any]) -> Manifest:
    classes = values["classes"]
    more_files = tuple(map(str, values.get("more_reference_inputs", ())))
    more = tuple(map(_input, values.get("more_inputs", ())))
    if len(more) != len(more_files):
        raise KeyError("more_reference_inputs")
    files = {_plain(name): BundleFile(**about) for name, about in values["files"].items()}
    models = tuple(BundleModel(**about) for about in values["models"])
    told = values.get("rival")
    rival = None if told is None else BundleModel(**told)
    named = [values["reference_inputs"], *more_files, *(model.onnx for model in models)]
    named += [] if rival is None else [rival.onnx]
    named += [model.reference for model in models if model.reference is not None]
    if not set(named) <= set(files) or not models:
        raise KeyError("files")
    return Manifest(
        name=str(values["name"]),
        made_by=str(values["made_by"]),
        made_from=str(values["made_from"]),
        notes=tuple(map(str, values["notes"])),
        target=str(values["target"]),
        system=str(values["system"]),
        input=_input(values["input"]),
        classes=None if classes is None else tuple(map(str, classes)),
        models=models,
        reference_inputs=str(values["reference_inputs"]),
        plugin=values["plugin"],
        files=files,
        more_inputs=more,
        more_reference_inputs=more_files,
        rival=rival,
    )


def _input(values: Mapping[str, Any]) -> BundleInput:
    given = dict(values)
    for key in ("shape", "mean", "std", "rows", "columns"):
        if given.get(key) is not None:
            given[key] = tuple(given[key])
    return BundleInput(**given)


def _plain(name: str) -> str:
    """A name that stays inside the folder."""
    if "/" in name or "\\" in name or name in ("", ".", ".."):
        raise ValueError(name)
    return name

"""Whether the models compute on the board what they did on the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.device.agent.events import Events
from edgeprune.device.bundle.agreement import Agreement, compare
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.manifest import Manifest
from edgeprune.device.bundle.preprocess import prepare
from edgeprune.device.errors import DeviceError
from edgeprune.device.runners.base import Runner


class DisagreementError(DeviceError):
    """A model computes something else on the board; exit code 3."""

    exit_code = 3


def verify_models(
    bundle: Path, manifest: Manifest, runners: dict[str, Runner], batch: int, events: Events
) -> dict[str, Agreement]:
    """Run the reference inputs through every model that has reference outputs.

    Raises:
        BundleError: a reference cannot be read.
        DeviceError: a model fails.
    """
    samples = prepare(read_array(bundle / manifest.reference_inputs), manifest.input)
    found = {}
    for name, runner in runners.items():
        model = manifest.model(name)
        if model.reference is None:
            continue
        exact = read_array(bundle / model.reference)
        with runner:
            outputs = _outputs(runner, manifest.input.name, samples, batch)
        found[name] = compare(_samples(exact), _samples(outputs), model.precision)
        events.step(f"{name}: {_words(found[name])}")
    return found


def require_agreement(found: dict[str, Agreement]) -> None:
    """Refuse to go on with a model that computes something else.

    Raises:
        DisagreementError: the first that does.
    """
    for name, agreement in found.items():
        if not agreement.kept:
            raise DisagreementError(
                f"{name}: {_words(agreement)}; at least {agreement.least_snr_db:g} dB are asked "
                "for: this runtime computes something else, try another --precision"
            )


def read_array(path: Path) -> np.ndarray:
    """An array of the bundle.

    Raises:
        BundleError: it is damaged.
    """
    try:
        found: np.ndarray = np.load(str(path), allow_pickle=False)
    except (OSError, ValueError, EOFError) as failure:
        raise BundleError(f"{path}: is no array; deploy the run again") from failure
    return found


def _outputs(runner: Runner, name: str, samples: np.ndarray, batch: int) -> np.ndarray:
    parts: list[Any] = []
    for at in range(0, len(samples), batch):
        outputs = runner.infer({name: samples[at : at + batch]})
        parts.append(next(iter(outputs.values())))
    return np.concatenate(parts)


def _samples(outputs: np.ndarray) -> list[list[float]]:
    values: list[list[float]] = outputs.reshape(len(outputs), -1).astype(np.float64).tolist()
    return values


def _words(found: Agreement) -> str:
    if found.max_abs_error is None:
        return "its outputs are not finite, or of another shape, on the board"
    if found.snr_db is None:
        return f"all outputs of {found.samples} samples equal to the last bit"
    return (
        f"outputs of {found.samples} samples at most {found.max_abs_error:.1e} from the host's, "
        f"{found.snr_db:.0f} dB"
    )

"""What the teacher said of each batch, kept on disk, so that it need not be asked again.

Runs of one seed see the same batches, augmentation included: the controls of a run, the rounds of
a lottery and the other methods. The teacher is frozen, so its answers to them are the same. (Shen &
Xing, "A Fast Knowledge Distillation Framework", ECCV 2022, keep soft labels for the same reason;
here the attention head's view of every tap is kept as well, which is what SAD needs.)

An entry is found by the batch's own bytes: another seed, image size or augmentation is another
entry, and no setting has to be compared. What else decides an answer (weights, taps, precision,
threads) names the folder. A hit is bit for bit what the teacher would have said.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from edgeprune.atomic import save_atomic
from edgeprune.distill.summary import TapSummary
from edgeprune.errors import UserInputError

Answer = tuple[Tensor, list[TapSummary]]
RESERVE_BYTES = 4 << 30  # of the disk that stay free


class TeacherCache:
    """A folder of answers; several runs may share it at the same time.

    Args:
        root: the user's folder.
        identity: plain values that decide the answers, besides the inputs.
        note: told once when no more can be kept.

    Attributes:
        hits: answers found.
        misses: answers that had to be asked for.

    Raises:
        UserInputError: the folder cannot be made.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        identity: Mapping[str, Any],
        note: Callable[[str], None] = lambda _text: None,
    ) -> None:
        named = json.dumps(dict(identity), sort_keys=True)
        self.folder = Path(root) / hashlib.sha256(named.encode()).hexdigest()[:16]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise UserInputError(
                f"--teacher-cache {root}: cannot be made ({failure.strerror}); name a folder"
            ) from failure
        self._note = note
        self._keeps = True
        self.hits = self.misses = 0

    def recall(self, inputs: tuple[Tensor, ...], taps: int, ask: Callable[[], Answer]) -> Answer:
        """The answer to `inputs` with this many taps (0: outputs alone), asked for if unknown."""
        name = _digest(inputs)
        full, outputs_only = self.folder / f"{name}.taps.pt", self.folder / f"{name}.outputs.pt"
        for path in (full,) if taps else (outputs_only, full):
            found = _load(path, taps)
            if found is not None:
                self.hits += 1
                return _on(inputs[0].device, found)
        self.misses += 1
        answer = ask()
        self._keep(full if taps else outputs_only, answer)
        return answer

    def _keep(self, path: Path, answer: Answer) -> None:
        if not self._keeps:
            return
        try:
            free = shutil.disk_usage(self.folder).free
            if free < RESERVE_BYTES:
                raise OSError(f"only {free / 2**30:.1f} GiB are free")
            payload = _pack(answer)
            save_atomic(path, lambda stream: torch.save(payload, stream), sync=False)
        except (OSError, RuntimeError) as failure:  # torch.save reports a full disk as the latter
            self._keeps = False
            self._note(
                f"note: {self.folder.parent} takes no more of the teacher's answers ({failure}); "
                "the run goes on and asks the teacher"
            )


def _digest(inputs: tuple[Tensor, ...]) -> str:
    digest = hashlib.blake2b(digest_size=20)
    for tensor in inputs:
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        flat = tensor.detach().cpu().contiguous().flatten()
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _pack(answer: Answer) -> dict[str, Any]:
    outputs, taps = answer
    return {
        "outputs": outputs.cpu(),
        "pooled": [tap.pooled.cpu() for tap in taps],
        "energy": [None if tap.energy is None else tap.energy.cpu() for tap in taps],
    }


def _load(path: Path, taps: int) -> Answer | None:
    """An entry; None where there is none or it is damaged (it is then written anew)."""
    if not path.exists():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about its own internals
            held = torch.load(path, map_location="cpu", weights_only=True)
        pairs = list(zip(held["pooled"], held["energy"], strict=True))[:taps]
        answer = held["outputs"], [TapSummary(pooled, energy) for pooled, energy in pairs]
    except Exception:  # whatever torch raises at half a file
        return None
    return answer if len(answer[1]) == taps else None


def _on(device: torch.device, answer: Answer) -> Answer:
    if device.type == "cpu":
        return answer
    outputs, taps = answer
    return outputs.to(device), [
        TapSummary(tap.pooled.to(device), None if tap.energy is None else tap.energy.to(device))
        for tap in taps
    ]

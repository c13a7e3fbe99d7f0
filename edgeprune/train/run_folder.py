"""The folder of a run: who works on it, what is finished, where to go on.

Every file in it is replaced in one step, so a run that is killed at any byte finds either the old
state or the new one. A finished stage leaves `state/<stage>.done.pt` and is never done again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from edgeprune.atomic import save_atomic, write_text_atomic
from edgeprune.errors import CorruptFileError, RunBusyError, UserInputError
from edgeprune.train.distributed import World


class RunFolder:
    """Paths and atomic state files of one run."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.state = self.path / "state"

    def create(self) -> None:
        """Make the folder, or say in one line why it cannot be used."""
        try:
            self.state.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as failure:
            raise UserInputError(
                f"--out {self.path}: a file is in the way; name a folder"
            ) from failure
        except OSError as failure:
            if failure.errno == errno.ENOSPC:
                raise
            raise UserInputError(
                f"--out {self.path}: cannot be made ({failure.strerror}); name another"
            ) from failure

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder; the lock goes when the process does, however it ends.

        Raises:
            RunBusyError: another process holds it.
        """
        with (self.state / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as failure:
                lock.seek(0)
                holder = lock.read().strip() or "another process"
                raise RunBusyError(
                    f"--out {self.path}: {holder} is working on this run; wait for it or "
                    "choose another folder"
                ) from failure
            lock.truncate(0)
            lock.write(f"process {os.getpid()}")
            lock.flush()
            yield

    def locked_by(self, world: World) -> contextlib.AbstractContextManager[None]:
        """The lock for the process that writes; the others of the same run need none."""
        return self.locked() if world.is_main else contextlib.nullcontext()

    def claim(
        self,
        identity: Mapping[str, Any],
        result: Path | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        """Note what this run is, or check that it is the one the folder holds.

        A run that ended before it trained anything (a mistake in its command, most often) holds
        nothing, and gives way to the next.

        Args:
            identity: the run's settings.
            result: the file that a finished run leaves; None keeps whatever was claimed.
            defaults: what a setting is in folders of versions that did not have it yet.

        Raises:
            UserInputError: the folder holds a run with other settings; the line names the first.
        """
        path = self.state / "identity.json"
        wanted = json.loads(json.dumps(identity))
        if not path.exists() or (result is not None and self._is_blank(result)):
            for note in self.state.glob("*.json"):
                note.unlink()
            write_text_atomic(path, json.dumps(wanted, indent=1))
            return
        before = json.loads(json.dumps(dict(defaults or {})))
        held = {k: before[k] for k in wanted if k in before} | self._read_json(path)
        for key in sorted({*wanted, *held}):
            if wanted.get(key) != held.get(key):
                raise UserInputError(
                    f"--out {self.path} holds a run with {key} = {held.get(key)!r}, asked is "
                    f"{wanted.get(key)!r}: choose another folder, or delete this one"
                )

    def save(self, name: str, payload: Mapping[str, Any]) -> None:
        """Write `state/<name>.pt` in one step (tensors and plain values only)."""

        def write(stream: BinaryIO) -> None:
            torch.save(dict(payload), stream)

        save_atomic(self._file(name), write)

    def load(self, name: str) -> dict[str, Any] | None:
        """What `save` wrote under `name`, or None."""
        path = self._file(name)
        if not path.exists():
            return None
        try:
            payload = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, KeyError) as failure:
            raise CorruptFileError(f"{path} is damaged: delete {self.state} to start anew") from (
                failure
            )
        if not isinstance(payload, dict):
            raise CorruptFileError(f"{path} is not a run state: delete {self.state}")
        return payload

    def discard(self, name: str) -> None:
        """Remove `state/<name>.pt` if it is there."""
        self._file(name).unlink(missing_ok=True)

    def remove_leftovers(self) -> None:
        """Delete temporary files of a process that was killed while it wrote."""
        for folder in (self.path, self.state):
            for leftover in folder.glob(".*.tmp"):
                leftover.unlink(missing_ok=True)

    def _is_blank(self, result: Path) -> bool:
        return not result.exists() and not any(self.state.glob("*.pt"))

    def _file(self, name: str) -> Path:
        return self.state / f"{name}.pt"

    def _read_json(self, path: Path) -> dict[str, Any]:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as failure:
            raise CorruptFileError(f"{path} is damaged: delete {self.path}") from failure
        if not isinstance(content, dict):
            raise CorruptFileError(f"{path} is damaged: delete {self.path}")
        return content

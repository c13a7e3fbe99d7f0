"""Bringing files to the board: by content, resumable, and visible only when all are right."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from edgeprune.deploy.ssh.errors import BoardDiskFullError, BoardError
from edgeprune.deploy.ssh.local_file import LocalFile, check_name
from edgeprune.deploy.ssh.master import Master
from edgeprune.deploy.ssh.remote import script
from edgeprune.deploy.ssh.send import Sender, refused
from edgeprune.deploy.ssh.session import Session
from edgeprune.deploy.ssh.transfer import Progress, Transfer
from edgeprune.errors import UserInputError
from edgeprune.wording import shown

_KEPT_BUNDLES = 3
_SPARE_BYTES = 1 << 20  # for folders and links
_KEPT = -1


def push(
    master: Master,
    files: Mapping[str, Path],
    folder: str,
    beside: str | None,
    tell: Callable[[Progress], None],
) -> Transfer:
    """Send what the board lacks in both folders, and let `current` point to all of it."""
    local = {check_name(name): LocalFile.of(name, path) for name, path in sorted(files.items())}
    if not local:
        raise UserInputError("there are no files to send")
    distinct = {file.sha256: file for file in local.values()}
    free_bytes, there = _survey(master, folder, beside, list(distinct))
    missing = {sha: file for sha, file in distinct.items() if there[sha] != _KEPT}
    resumed = {sha: there[sha] if there[sha] < file.size else 0 for sha, file in missing.items()}
    total = sum(file.size - resumed[sha] for sha, file in missing.items())
    if total + _SPARE_BYTES > free_bytes:
        raise BoardDiskFullError(
            f"{master.destination.label}: {folder}: {_mb(total)} MB have to be copied and "
            f"{_mb(free_bytes)} MB are free; free some, or name a --folder on another disk"
        )
    sender = Sender(master, folder, total, tell)
    for sha, file in missing.items():
        sender.send(file, resumed[sha])
    return Transfer(
        path=_assemble(master, folder, local),
        sent_bytes=sender.sent_bytes,
        sent=tuple(name for name, file in local.items() if file.sha256 in missing),
        kept=tuple(name for name, file in local.items() if file.sha256 not in missing),
    )


def _survey(
    master: Master, folder: str, beside: str | None, digests: list[str]
) -> tuple[int, dict[str, int]]:
    """Free bytes, and of each file the bytes that are there; `_KEPT` for whole and right."""
    lines = _ask(master, script("survey", folder, beside or ""), digests, folder)
    there: dict[str, int] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "disk":
            free_bytes = _free(rest)
        elif word == "kept":
            there[rest] = _KEPT
        elif word == "part":
            sha, _, size = rest.partition(" ")
            there[sha] = int(size)
        elif word == "none":
            there[rest] = 0
    return free_bytes, there


def _assemble(master: Master, folder: str, local: Mapping[str, LocalFile]) -> str:
    lines = [f"{file.sha256} {name}" for name, file in local.items()]
    bundle = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    answer = _ask(master, script("assemble", folder, bundle, _KEPT_BUNDLES), lines, folder)
    found = next(line for line in answer if line.startswith("current "))
    return f"{folder}/{found.partition(' ')[2]}"


def _ask(master: Master, remote: str, lines: list[str], folder: str) -> list[str]:
    with Session(master, remote, "copying") as session:
        answer = session.tell("".join(f"{line}\n" for line in lines).encode())
        if session.code() != 0:
            raise refused(master.destination.label, folder, session.stderr)
    return answer.splitlines()


def _free(line: str) -> int:
    """Bytes, of a line of `df -Pk`."""
    found = re.search(r"\s\d+\s+\d+\s+(\d+)\s+\S+%?\s", line)
    if found is None:
        raise BoardError(f"df on the board says {shown(line)}, which tells no free space")
    return int(found[1]) * 1024


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f}"

"""Words for a shell on the board."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from edgeprune.wording import shown

_SCRIPTS = Path(__file__).with_name("scripts")

# Comes before everything that is ours: a user's start-up files may write something first.
MARKER = "edgeprune:begin"


def script(name: str, *arguments: str | int) -> str:
    """A command line that runs one of our scripts, for whatever shell the user has."""
    text = (_SCRIPTS / f"{name}.sh").read_text(encoding="utf-8")
    return shlex.join(["sh", "-c", text, "edgeprune", *(str(word) for word in arguments)])


def program(words: Sequence[str]) -> str:
    """A command line that runs a program for as long as the connection stands."""
    return script("lifeline", MARKER, *words)


def named(words: Sequence[str]) -> str:
    """A program in a message, without the folders that its files lie in."""
    short = [PurePosixPath(word).name if word.startswith("/") else word for word in words]
    return f"`{shown(shlex.join(short))}`"

"""How ssh is called."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from edgeprune.deploy.ssh.destination import Destination
from edgeprune.errors import UnsupportedError, UserInputError

# Nobody is there to answer questions, and nothing of the user's configuration may come between us
# and the program: ssh takes the first value it meets, so these stand before the user's own.
_FIXED = (
    "BatchMode=yes",
    "RemoteCommand=none",
    "RequestTTY=no",
    "ClearAllForwardings=yes",
    "ForwardX11=no",
    "ControlPersist=no",
    "PermitLocalCommand=no",
    "LogLevel=INFO",
)


@dataclass(frozen=True)
class SshOptions:
    """What the user asks of ssh beyond the configuration it reads anyway.

    Attributes:
        identity: private key (`-i`).
        config: configuration file instead of the user's (`-F`).
        options: `NAME=VALUE` each (`-o`).
        connect_timeout_s: for the connection; `ConnectTimeout` in `options` goes before.
        alive_interval_s: between questions whether the board is still there, three of which may
            go unanswered; `ServerAliveInterval` in `options` goes before.
    """

    identity: Path | None = None
    config: Path | None = None
    options: tuple[str, ...] = ()
    connect_timeout_s: int = 10
    alive_interval_s: int = 5

    def check(self) -> None:
        """See that files are there and options are options.

        Raises:
            UserInputError: one is not.
        """
        for letter, path in (("-i", self.identity), ("-F", self.config)):
            if path is not None and not path.is_file():
                raise UserInputError(f"{letter} {path}: no such file")
        for option in self.options:
            if "=" not in option and " " not in option:
                raise UserInputError(f"-o {option}: write NAME=VALUE, as in ssh_config")

    @property
    def users(self) -> list[str]:
        """The user's own part."""
        words = ["-F", str(self.config)] if self.config else []
        words += ["-i", str(self.identity)] if self.identity else []
        return [*words, *_each(self.options)]

    @property
    def all(self) -> list[str]:
        """For ssh, in the order in which it decides."""
        defaults = (
            f"ConnectTimeout={self.connect_timeout_s}",
            f"ServerAliveInterval={self.alive_interval_s}",
            "ServerAliveCountMax=3",
        )
        return [*_each(_FIXED), *self.users, *_each(defaults)]

    def by_hand(self, destination: Destination) -> str:
        """What a user types to connect the same way."""
        return shlex.join(["ssh", *self.users, *destination.arguments])


def find_ssh() -> str:
    """Path of the system's ssh.

    Raises:
        UnsupportedError: there is none.
    """
    path = shutil.which("ssh")
    if path is None:
        raise UnsupportedError("ssh is not installed: apt install openssh-client, or the like")
    return path


def environment() -> dict[str, str]:
    """For ssh: messages in English, since we read them, and no window that asks for passwords."""
    return {**os.environ, "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}


def _each(options: tuple[str, ...]) -> list[str]:
    return [word for option in options for word in ("-o", option)]

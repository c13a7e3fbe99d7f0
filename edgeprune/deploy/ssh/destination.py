"""`[user@]host[:port]`, the way users write it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeprune.errors import UserInputError
from edgeprune.wording import shown

_PARTS = re.compile(
    r"""(?:ssh://)?
    (?:(?P<user>[^@\s/]+)@)?
    (?: \[(?P<bracketed>[^\]\s]+)\]
      | (?P<ipv6>[0-9a-fA-F]*:[0-9a-fA-F]*:[^\]\s/]*)
      | (?P<host>[^@:\s/\[\]]+)
    )
    (?::(?P<port>\d+))?
    /?""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Destination:
    """Where a board is.

    Attributes:
        host: a name, an address, or an alias of the user's ssh configuration.
        user: None for what ssh's configuration says.
        port: None for what ssh's configuration says.
    """

    host: str
    user: str | None = None
    port: int | None = None

    @property
    def label(self) -> str:
        """For people."""
        host = f"[{self.host}]" if ":" in self.host and self.port else self.host
        return f"{self.user + '@' if self.user else ''}{host}{f':{self.port}' if self.port else ''}"

    @property
    def arguments(self) -> list[str]:
        """For ssh."""
        port = ["-p", str(self.port)] if self.port else []
        return [*port, f"{self.user}@{self.host}" if self.user else self.host]


def parse_destination(text: str, option: str = "--host") -> Destination:
    """Read `[user@]host[:port]`; IPv6 addresses in brackets where a port follows.

    Args:
        text: what the user gave.
        option: where, for the message.

    Raises:
        UserInputError: it is none.
    """
    found = _PARTS.fullmatch(text.strip())
    host = found and (found["bracketed"] or found["ipv6"] or found["host"])
    if not found or not host or host.startswith("-") or (found["user"] or "").startswith("-"):
        raise UserInputError(f"{option} {shown(text)}: write [user@]host[:port]")
    port = int(found["port"]) if found["port"] else None
    if port is not None and not 1 <= port <= 65535:
        raise UserInputError(f"{option} {shown(text)}: ports are 1 to 65535")
    return Destination(host, found["user"], port)

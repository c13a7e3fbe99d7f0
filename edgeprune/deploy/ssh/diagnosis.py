"""What ssh's words mean, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeprune.deploy.ssh.destination import Destination
from edgeprune.deploy.ssh.errors import (
    BoardError,
    HostKeyError,
    NotAdmittedError,
    UnreachableError,
)
from edgeprune.deploy.ssh.options import SshOptions
from edgeprune.deploy.ssh.words import in_brackets, last_line
from edgeprune.errors import EdgepruneError, UserInputError


@dataclass(frozen=True)
class Attempt:
    """A connection that did not come about.

    Attributes:
        destination: to where.
        options: how.
        words: what ssh wrote.
    """

    destination: Destination
    options: SshOptions
    words: str

    @property
    def by_hand(self) -> str:
        """The same with ssh alone, where questions can be answered."""
        return self.options.by_hand(self.destination)


# In this order: what is said first may be followed by a more general line.
_MEANINGS: tuple[tuple[str, type[EdgepruneError], str], ...] = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        HostKeyError,
        "the host key is not the one that is known{known}: another machine answers, or the board "
        "was flashed anew; only if so, run: {removal} and then: {by_hand}",
    ),
    (
        r"Host key verification failed",
        HostKeyError,
        "the host key is not known here; connect once by hand, compare and accept it: {by_hand}",
    ),
    (
        r"Too many authentication failures",
        NotAdmittedError,
        "ssh offered too many keys; name the right one: -i KEY -o IdentitiesOnly=yes",
    ),
    (
        r"Permission denied \(([^)]*)\)",
        NotAdmittedError,
        "no key was accepted ({detail}), and passwords are not asked for; unlock your key with "
        "ssh-add, or put it there: {copy}",
    ),
    (
        r"Could not resolve hostname [^:]*: *(.*)",
        UnreachableError,
        "this name is not known ({detail}); check --host, or write the address",
    ),
    (
        r"Connection refused",
        UnreachableError,
        "nothing listens at that port; is the board up, does sshd run, is the port right?",
    ),
    (
        r"[Tt]imed out|Timeout, server",
        UnreachableError,
        "no answer in time; is the board on, and in this network?",
    ),
    (
        r"(No route to host|Network is unreachable)",
        UnreachableError,
        "ssh says: {detail}; is the board on, and in this network?",
    ),
    (
        r"(.*(?:Bad configuration option|unsupported option|Bad owner or permissions|"
        r"terminating, \d+ bad configuration|Bad number|missing argument|extra arguments|"
        r"Can't open user config).*)",
        UserInputError,
        "ssh refuses its options or configuration: {detail}",
    ),
    (
        r"kex_exchange_identification|Connection closed by|Connection reset by|Broken pipe",
        UnreachableError,
        "the connection was closed before the login; is the board starting, or too busy?",
    ),
)


def diagnose(attempt: Attempt) -> EdgepruneError:
    """The failure that ssh's words describe."""
    label, by_hand = attempt.destination.label, attempt.by_hand
    for pattern, kind, template in _MEANINGS:
        found = re.search(pattern, attempt.words)
        if found:
            detail = last_line(found[1]) if found.re.groups else ""
            return kind(f"{label}: {template.format(detail=detail, **_remedies(attempt))}")
    said = in_brackets(attempt.words)
    return BoardError(f"{label}: no shell answered{said}; try by hand: {by_hand}")


def _remedies(attempt: Attempt) -> dict[str, str]:
    """Commands and places to name, as ssh gives them."""
    removal = re.search(r"ssh-keygen -f .*", attempt.words)
    known = re.search(r"Offending (?:\S+ )?key in (\S+)", attempt.words)
    return {
        "by_hand": attempt.by_hand,
        "copy": attempt.by_hand.replace("ssh ", "ssh-copy-id ", 1),
        "known": f" ({known[1]})" if known else "",
        "removal": removal[0].strip() if removal else f"ssh-keygen -R {attempt.destination.host}",
    }


def why_lost(words: str) -> str:
    """Why a connection that stood is gone."""
    if re.search(r"Timeout, server|[Tt]imed out", words):
        return "the board stopped answering"
    if re.search(r"closed by remote host|reset by peer|Broken pipe|Connection reset", words):
        return "closed from the board's side"
    return "closed"

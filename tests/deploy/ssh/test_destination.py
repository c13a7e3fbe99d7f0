"""`--host` as users write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.deploy.ssh.destination import Destination, parse_destination
from edgeprune.errors import UserInputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("board", Destination("board")),
        ("me@board", Destination("board", "me")),
        ("me@192.168.55.1:2222", Destination("192.168.55.1", "me", 2222)),
        ("[::1]:22", Destination("::1", None, 22)),
        ("fe80::1%usb0", Destination("fe80::1%usb0")),
        ("me@[fe80::1%usb0]:22", Destination("fe80::1%usb0", "me", 22)),
        ("ssh://me@board:22/", Destination("board", "me", 22)),
    ],
)
def test_forms(text: str, expected: Destination) -> None:
    assert parse_destination(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "-oProxyCommand=x", "me@-x", "a b", "board:", "board:0", "board:70000", "@x", "a:b"],
)
def test_refused_with_the_form_to_write(text: str) -> None:
    with pytest.raises(UserInputError, match="--host"):
        parse_destination(text)


@given(st.text())
def test_never_an_option_of_ssh(text: str) -> None:
    try:
        found = parse_destination(text)
    except UserInputError:
        return
    assert not found.arguments[-1].startswith("-")


@given(
    st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True),
    st.none() | st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True),
    st.none() | st.integers(1, 65535),
)
def test_labels_read_back(host: str, user: str | None, port: int | None) -> None:
    destination = Destination(host, user, port)
    assert parse_destination(destination.label) == destination

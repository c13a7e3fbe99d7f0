"""Files before they are sent."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edgeprune.deploy.ssh.local_file import LocalFile, check_name
from edgeprune.errors import UserInputError


@pytest.mark.parametrize("name", ["../up", "/etc/x", "a//b", "", ".", "a\nb", " a", "a/", "a/../b"])
def test_names_that_leave_the_bundle_or_the_line(name: str) -> None:
    with pytest.raises(UserInputError, match="not a name"):
        check_name(name)


@pytest.mark.parametrize("name", ["a", "a b/c.onnx", ".hidden", "ä/ö"])
def test_names_that_stay(name: str) -> None:
    assert check_name(name) == name


def test_a_file_and_its_changes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"first")
    file = LocalFile.of("file", path)
    assert (file.size, file.sha256) == (5, hashlib.sha256(b"first").hexdigest())
    assert not file.has_changed()
    path.write_bytes(b"other")
    assert file.has_changed()
    path.unlink()
    assert file.has_changed()

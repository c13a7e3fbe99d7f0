"""The wheel deploys by itself: what goes to a board is in it, and the checkout is not needed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pruned_run import pruned_run

import edgeprune
from edgeprune.deploy.bundle.agent_archive import agent_archive
from edgeprune.deploy.bundle.plugin_source import plugin_source

ROOT = Path(edgeprune.__file__).parent.parent
_COMPARE = """
import hashlib, edgeprune
from edgeprune.deploy.bundle.agent_archive import agent_archive
from edgeprune.deploy.bundle.plugin_source import payload, plugin_source
print(edgeprune.__file__)
print(payload("deploy"))
print(hashlib.sha256(agent_archive() + plugin_source()).hexdigest())
"""


@pytest.mark.slow
def test_it_deploys_outside_the_checkout(tmp_path: Path) -> None:
    site, source = tmp_path / "site", _copied(tmp_path / "source")
    _run(tmp_path, {}, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, source)
    shutil.rmtree(source)
    inside = {"PYTHONPATH": str(site)}
    where, payload, digest = _run(tmp_path, inside, "-c", _COMPARE).split()
    assert Path(where).parent == site / "edgeprune"
    assert Path(payload) == site / "edgeprune/_payload/deploy"
    assert digest == hashlib.sha256(agent_archive() + plugin_source()).hexdigest()
    for kind in ("*.json", "*.sh", "*.j2"):
        carried = {path.relative_to(site) for path in site.glob(f"edgeprune/**/{kind}")}
        assert {path.relative_to(ROOT) for path in ROOT.glob(f"edgeprune/**/{kind}")} <= carried
    run = pruned_run(tmp_path / "run")
    quickly = ["--repeats", "3", "--seconds", "0.02", "--warmup", "0.1"]
    words = ["-m", "edgeprune", "deploy", run, "--target", "cpu", "--no-dense", *quickly]
    assert "equal to the last bit" in _run(tmp_path, inside, *words)


def _copied(folder: Path) -> Path:
    """The project, so that building leaves nothing in the checkout."""
    for name in ("edgeprune", "cuda", "deploy"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def _run(folder: Path, environment: dict[str, str], *words: str | Path) -> str:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        [sys.executable, *words], env={**kept, **environment}, cwd=folder,
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout

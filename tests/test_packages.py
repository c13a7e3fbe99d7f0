"""Packages depend on each other in one direction: none reaches itself through others."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import edgeprune

ROOT = Path(edgeprune.__file__).parent


def _named(node: ast.AST) -> Iterator[str]:
    """Modules that a statement imports; of `from a import b`, `a` and `a.b`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages(root: Path) -> dict[str, set[str]]:
    """What each package, or module beside the packages, imports of the others, lazily too."""
    names = {path.stem for path in root.iterdir() if path.is_dir() or path.suffix == ".py"}
    found: dict[str, set[str]] = {name: set() for name in names}
    for path in root.rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[0] in ("_payload", "__init__"):  # not imported; and what users import
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = [name.split(".") for node in ast.walk(tree) for name in _named(node)]
        used = {words[1] for words in imported if words[0] == root.name and len(words) > 1}
        found[parts[0]] |= (used & names) - {parts[0]}
    return found


def cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """Packages of which each imports the next, and the last the first; empty without any."""
    done: set[str] = set()

    def follow(name: str, above: list[str]) -> list[str]:
        if name in above:
            return above[above.index(name) :]
        if name in done:
            return []
        for other in sorted(graph.get(name, ())):
            if found := follow(other, [*above, name]):
                return found
        done.add(name)
        return []

    return next(filter(None, (follow(name, []) for name in sorted(graph))), [])


def test_no_package_reaches_itself() -> None:
    found = packages(ROOT)
    assert "train" in found["methods"]
    assert cycle(found) == []


@pytest.mark.parametrize("line", ["import own.a", "from own import a", "from own.a.x import y"])
def test_a_cycle_is_found_wherever_it_is_written(tmp_path: Path, line: str) -> None:
    root = tmp_path / "own"
    for name, text in (("a", "from own.b import z"), ("b", f"def f():\n    {line}"), ("c", "")):
        (root / name).mkdir(parents=True)
        (root / name / "x.py").write_text(text, encoding="utf-8")
    assert cycle(packages(root)) == ["a", "b"]

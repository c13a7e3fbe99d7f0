from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from edgeprune.errors import UnsupportedError
from edgeprune.report.html import render_run, write_html
from edgeprune.report.plots.svg import COLOURS
from edgeprune.report.run_files import load_history, load_predictions

_VOID = {"meta", "br", "hr", "img", "link", "input"}


class _Checker(HTMLParser):
    """Collects ids, references and text, and fails on tags that do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.ids: list[str] = []
        self.references: set[str] = set()
        self.tags: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in _VOID:
            self.stack.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            self.references |= set(re.findall(r"url\(#([^)]+)\)", value or ""))
            if name.endswith("href"):
                self.references.add((value or "").removeprefix("#"))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _parsed(page: str) -> _Checker:
    checker = _Checker()
    checker.feed(page)
    checker.close()
    assert not checker.stack
    return checker


@pytest.fixture(scope="module")
def page(write_run: Any, make_report: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = write_run(tmp_path_factory.mktemp("run"))
    path = write_html(make_report(), folder)
    assert path == folder / "report.html"
    return path.read_text(encoding="utf-8")


def test_page_is_well_formed_and_self_contained(page: str) -> None:
    checker = _parsed(page)
    assert len(checker.ids) == len(set(checker.ids))
    assert checker.references <= set(checker.ids)
    assert not {"link", "script", "img", "iframe"} & set(checker.tags)
    outside = {url for url in re.findall(r"https?://[^\"'\s>)]+", page) if "w3.org" not in url}
    assert not outside
    assert "@import" not in page


def test_page_holds_every_plot_and_its_colours_follow_the_theme(page: str) -> None:
    assert _parsed(page).tags.count("svg") == 5
    titles = ("Accuracy over the epochs", "Width over the epochs", "Accuracy against parameters",
              "Accuracy against latency", "Width of every layer")  # fmt: skip
    assert all(title in page for title in titles)
    assert "prefers-color-scheme: dark" in page
    assert not [colour for colour in COLOURS.values() if colour in page]
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "var(--student)" in drawn
    assert not re.search(r"(?:fill|stroke): ?#", drawn)


def test_page_tells_the_figures_and_the_story(page: str) -> None:
    text = " ".join("".join(_parsed(page).words).replace("\u00a0", " ").split())
    for words in ("−60.0 %", "703,284 → 281,314", "1.82×", "p50 5.71 → 3.14 ms", "69.60 %",
                  "block3.layer.1.conv2", "64 → 48", "control: reinit", "no RAPL counters",
                  "its outputs are the network's outputs", "AMD EPYC", "batch 1"):  # fmt: skip
        assert words in text, words


def test_a_run_without_history_predictions_latency_or_layers_still_renders(
    make_report: Any, tmp_path: Path
) -> None:
    figures = {"params": 9, "macs": 9, "metric": None}
    report = make_report(
        latency_ms=None, extra={}, controls=[], target=None, equivalence=None, onnx=None,
        dense_student=figures, teacher=figures, skipped=[], train_seconds=None,
    )  # fmt: skip
    page = write_html(report, tmp_path).read_text(encoding="utf-8")
    checker = _parsed(page)
    assert "svg" not in checker.tags
    assert "not measured" in "".join(checker.words)
    assert "nan" not in "".join(checker.words).lower()


def test_names_from_files_cannot_inject_markup(make_report: Any) -> None:
    evil = "<script>alert(1)</script>$x_1$&\"'"
    report = make_report(
        skipped=[{"layer": evil, "reason": evil}],
        versions={evil: evil},
        extra={"data": evil, "layers": [{"name": evil, "width_before": 4, "width_after": 2}]},
        controls=[{"name": evil, "params": 5, "macs": 5, "metric": 3.0}],
    )
    history = [{"stage": evil, "epoch": 0, "val_top1": 1.0, "params": 4.0},
               {"stage": "b", "epoch": 0, "val_top1": 2.0, "params": 2.0}]  # fmt: skip
    checker = _parsed(render_run(report, history, None))
    assert "script" not in checker.tags


def test_the_same_run_renders_to_the_same_bytes(
    write_run: Any, make_report: Any, tmp_path: Path
) -> None:
    folder = write_run(tmp_path)
    history, predictions = load_history(folder), load_predictions(folder)
    report = make_report()
    assert render_run(report, history, predictions) == render_run(report, history, predictions)


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_missing_extras_name_the_remedy(
    package: str, make_report: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UnsupportedError, match=r"pip install 'edgeprune\[report\]'"):
        write_html(make_report(), tmp_path)
    assert not list(tmp_path.iterdir())

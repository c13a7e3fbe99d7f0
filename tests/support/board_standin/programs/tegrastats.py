"""Stands in for tegrastats: repeats the board's line, with the powers that the test has set."""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

STANDIN = Path(__file__).resolve().parents[1] / "standin"


def main() -> None:
    """Write lines until the test says otherwise."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--interval", type=int, default=1000)
    pause_s = parser.parse_args().interval / 1000
    while True:
        mode = _text("tegrastats")
        if mode == "die":
            sys.exit(1)
        if mode == "play":
            print(_line(), flush=True)
        time.sleep(pause_s)


def _line() -> str:
    def value(found: re.Match[str]) -> str:
        if found[1] == "DATE":
            return time.strftime("%m-%d-%Y %H:%M:%S")
        return _text(f"power/{found[1]}")

    return re.sub(r"\{(\w+)\}", value, _text("line"))


def _text(name: str) -> str:
    return (STANDIN / name).read_text(encoding="utf-8").strip()


main()

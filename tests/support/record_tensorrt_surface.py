"""Record the surface of TensorRT's real Python bindings from their wheel, with no GPU.

The bindings need TensorRT's libraries only for a handful of functions, which are not called on
import: empty libraries that are compiled here let the real module be imported and asked.

Example (the wheel must be for this Python):
    pip download --no-deps tensorrt-cu12-bindings==10.3.0
    python tests/support/record_tensorrt_surface.py tensorrt_cu12_bindings-*.whl 10.3.0

TensorRT 8.5.2 has no bindings for a Python newer than 3.10. Its surface is that of 8.6.1 without
the names that are no strings in its binary (`--like 8.6.1`), which keeps a name too many rather
than one too few.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from tensorrt_surface import FOLDER, recorded, surface_of


def record(wheel: Path) -> dict[str, Any]:
    """The surface of the bindings in a wheel."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        bindings = next(Path(folder).glob("tensorrt*/tensorrt*.so"))
        stand_ins = Path(folder) / "stand-ins"
        _write_stand_ins(bindings, stand_ins)
        environment = {
            **os.environ,
            "LD_LIBRARY_PATH": str(stand_ins),
            "PYTHONPATH": f"{folder}:{Path(__file__).parent}",
        }
        script = (
            "import json, tensorrt_surface, importlib; "
            f"m = importlib.import_module({bindings.parent.name!r}); "
            "print(json.dumps(tensorrt_surface.surface_of(m)))"
        )
        command = [sys.executable, "-W", "ignore", "-c", script]
        out = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout
    surface: dict[str, Any] = json.loads(out)
    return {"how": f"imported from {wheel.name} over empty libraries", **surface}


def record_by_strings(wheel: Path, like: dict[str, Any]) -> dict[str, Any]:
    """The part of another version's surface whose names stand in the binary of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        binary = archive.read("tensorrt/tensorrt.so")

    def kept(names: Any) -> list[str]:
        return [name for name in names if name.encode() + b"\0" in binary]

    enums = {
        name: {member: members[member] for member in kept(members)}
        for name, members in like["enums"].items()
        if kept([name])
    }
    classes = {name: kept(names) for name, names in like["classes"].items() if kept([name])}
    how = f"names of 8.6.1 that are strings in the binary of {wheel.name}; values are 8.6.1's"
    return {"how": how, "enums": enums, "classes": classes}


def _write_stand_ins(bindings: Path, folder: Path) -> None:
    """Compile empty libraries with the names and symbols that the bindings ask for."""
    folder.mkdir()
    tell = ["readelf", "-d", str(bindings)]
    needed = re.findall(r"\[(libnv\w+\.so\.\d+)\]", subprocess.check_output(tell, encoding="utf-8"))
    listed = subprocess.check_output(
        ["nm", "-D", "--undefined-only", str(bindings)], encoding="utf-8"
    )
    symbols = {name for kind, name in re.findall(r"\s([Uw]) (\w+)$", listed, re.M) if kind == "U"}
    own = sorted(name for name in symbols if re.search(r"INTERNAL|[Nn]v|Plugin|parser", name))
    source = folder / "empty.c"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in own))
    for library in needed:
        path = folder / library
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-w", f"-Wl,-soname,{library}", "-o", path, source],
            check=True,
        )


def write(surface: dict[str, Any], version: str) -> Path:
    """Store a surface where `tensorrt_surface.recorded` looks."""
    path = FOLDER / f"{version}.json"
    text = json.dumps(surface, indent=1)
    # One line for each enumeration and class.
    text = re.sub(r"\n   *(?=[\"\]}])(?!  ?\"\w+\": [\[{])", " ", text)
    path.write_text(text + "\n")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path, help="wheel, or 'rtx' for the installed tensorrt_rtx")
    parser.add_argument("version", help="such as 10.3.0")
    parser.add_argument("--like", help="version whose names are looked for in the binary")
    given = parser.parse_args()
    if str(given.wheel) == "rtx":
        import tensorrt_rtx

        found = {"how": "imported from tensorrt-rtx as installed", **surface_of(tensorrt_rtx)}
    elif given.like:
        found = record_by_strings(given.wheel, recorded(given.like))
    else:
        found = record(given.wheel)
    print(write(found, given.version))

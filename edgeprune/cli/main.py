"""The `edgeprune` command: runs a subcommand, turns a failure into one line and an exit code."""

from __future__ import annotations

import importlib
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

import click

from edgeprune import __version__
from edgeprune.cli.exit_codes import INTERRUPTED, code_and_line

# Name -> what it does. The text stands here so that `--help` imports no command.
COMMANDS = {
    "demo": "Run the whole pipeline on embedded real data, in minutes.",
    "compress": "Make a physically smaller student from a trained teacher.",
    "train": "Train a teacher.",
    "prune": "Remove channels from a network once, without training.",
    "inspect": "Show layers, widths, parameters and MACs.",
    "export": "Write a network as one ONNX file for a target.",
    "build": "Build a TensorRT engine from an ONNX file.",
    "verify": "Compare exported graphs and engines with PyTorch.",
    "benchmark": "Time networks side by side, with all conditions.",
    "power": "Measure power and energy here, live.",
    "deploy": "Bring a run to a board; build, check and measure it there.",
    "report": "Show one run, or compare several.",
    "doctor": "Say what this machine can do and what is missing.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import `edgeprune.cli.<name>` and return its `command`."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"edgeprune.cli.{cmd_name}")
        command: click.Command = module.command
        if not any(parameter.name == "debug" for parameter in command.params):
            command.params.append(_debug_option())
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _debug_option() -> click.Option:
    return click.Option(
        ["--debug"], is_flag=True, expose_value=False, help="Show the traceback of a failure."
    )


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgeprune")
def cli() -> None:
    """Compress trained networks into physically smaller, verified students for edge devices.

    \b
    Start here:  edgeprune demo
    Exit codes:  0 done, 1 failure, 2 unusable input, 3 accuracy gate missed,
                 4 budget missed, 5 unsupported here, 130 interrupted (resumable)
    """


def run(arguments: Sequence[str] | None = None) -> None:
    """Console entry point: run, print at most one line of failure, exit with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    warnings.formatwarning = _one_line  # type: ignore[assignment]
    try:
        outcome = cli.main(args=given, prog_name="edgeprune", standalone_mode=False)
    except BaseException as failure:
        code, line = code_and_line(failure)
        if line:
            click.echo(line, err=True)
        if "--debug" in given and code != INTERRUPTED:
            traceback.print_exc()
        sys.exit(code)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_source: object
) -> str:
    """A warning as failures are told; where it is not ours, with its origin."""
    is_ours = Path(filename).is_relative_to(Path(__file__).parents[1])
    origin = "" if is_ours else f" ({category.__name__}, {filename}:{lineno})"
    return f"edgeprune: warning: {message}{origin}\n"

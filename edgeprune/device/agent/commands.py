"""What each command of the agent does."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import Any, Callable, ContextManager, Mapping

from edgeprune.device.agent.events import Events
from edgeprune.device.agent.options import protocol_of
from edgeprune.device.agent.serve_power import serve_power
from edgeprune.device.probe.probe import probe
from edgeprune.device.root import system_root

Command = Callable[[argparse.Namespace, Events], Mapping[str, Any]]


def probe_board(given: argparse.Namespace, events: Events) -> Mapping[str, Any]:
    """What this board is."""
    events.step("looking at the board")
    return probe(system_root(), given.folder).as_dict()


def build(given: argparse.Namespace, events: Events) -> Mapping[str, Any]:
    """Engines of all models."""
    found: Mapping[str, Any] = _session(given, events).build()
    return found


def verify(given: argparse.Namespace, events: Events) -> Mapping[str, Any]:
    """Agreement of all models."""
    found: Mapping[str, Any] = _session(given, events).verify()
    return found


def bench(given: argparse.Namespace, events: Events) -> Mapping[str, Any]:
    """Times of all models."""
    protocol = protocol_of(given)
    session = _session(given, events)
    session.build()
    with _clocks(given, events):
        found: Mapping[str, Any] = session.bench(protocol)
    return found


def run(given: argparse.Namespace, events: Events) -> Mapping[str, Any]:
    """All of it, one after the other."""
    protocol = protocol_of(given)
    found = probe(system_root(), given.bundle).as_dict()
    events.result("probe", found)
    session = _session(given, events)
    built = session.build()
    events.result("build", built)
    agreement = session.verify()
    events.result("verify", agreement)
    with _clocks(given, events):
        times = session.bench(protocol)
    return {"probe": found, "build": built, "verify": agreement, "bench": times}


def infer(given: argparse.Namespace, events: Events) -> Mapping[str, Any]:
    """A model's outputs for a file."""
    from edgeprune.device.agent.infer import infer_file

    return infer_file(given.bundle, given.model, given.runtime, given.input, given.out, events)


def tell_power(given: argparse.Namespace, events: Events) -> Mapping[str, Any]:
    """Readings until somebody ends it."""
    return serve_power(given.sensor, given.interval, given.duration, events)


COMMANDS: Mapping[str, Command] = {
    "probe": probe_board,
    "build": build,
    "verify": verify,
    "bench": bench,
    "run": run,
    "infer": infer,
    "serve-power": tell_power,
}


def _session(given: argparse.Namespace, events: Events) -> Any:
    # Whatever needs numpy is imported where it is used: a board without it can still be probed.
    from edgeprune.device.agent.session import Request, Session

    request = Request(given.runtime, given.batch, given.threads)
    return Session(Path(given.bundle), request, events)


def _clocks(given: argparse.Namespace, events: Events) -> ContextManager[None]:
    from edgeprune.device.bench.clocks import locked_clocks

    return locked_clocks(events.step) if given.lock_clocks else contextlib.nullcontext()

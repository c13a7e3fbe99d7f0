"""What each command of the agent does."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any, Callable, Mapping

from edgeprune.device.agent.events import Events
from edgeprune.device.agent.options import energy_of, protocol_of
from edgeprune.device.agent.racing import advise
from edgeprune.device.agent.serve_power import serve_power
from edgeprune.device.agent.session import Session
from edgeprune.device.bench.clocks import locked_clocks, require_clocks
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.probe.probe import probe
from edgeprune.device.root import system_root

Command = Callable[[argparse.Namespace, Events], Mapping[str, Any]]


def probe_board(given: argparse.Namespace, events: Events) -> Mapping[str, Any]:
    """What this board is."""
    events.step("looking at the board")
    _require_clocks(given)
    return probe(system_root(), given.folder).as_dict()


def build(given: argparse.Namespace, events: Events) -> Mapping[str, Any]:
    """Engines of all models."""
    return _session(given, events).build()


def verify(given: argparse.Namespace, events: Events) -> Mapping[str, Any]:
    """Agreement of all models."""
    return _session(given, events).verify()


def race(given: argparse.Namespace, events: Events) -> Mapping[str, Any]:
    """Which sparse layers lost."""
    _require_clocks(given)
    session = _session(given, events)
    session.build()
    with _clocks(given, events):
        return session.race()


def bench(given: argparse.Namespace, events: Events) -> Mapping[str, Any]:
    """Times of all models."""
    protocol = protocol_of(given)
    _require_clocks(given)
    session = _session(given, events)
    session.build()
    return _measured(session, protocol, given, events)


def run(given: argparse.Namespace, events: Events) -> Mapping[str, Any]:
    """All of it, one after the other; each result is told as it comes, the times at last."""
    protocol = protocol_of(given)
    _require_clocks(given)
    events.result("probe", probe(system_root(), given.bundle).as_dict())
    session = _session(given, events)
    events.result("build", session.build())
    events.result("verify", session.verify())
    if session.has_rival:
        with _clocks(given, events):
            raced = session.race()
        events.result("race", raced)
        advise(raced, events)
    return {"bench": _measured(session, protocol, given, events)}


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
    "race": race,
    "bench": bench,
    "run": run,
    "infer": infer,
    "serve-power": tell_power,
}


def _require_clocks(given: argparse.Namespace) -> None:
    if given.lock_clocks:
        require_clocks()


def _session(given: argparse.Namespace, events: Events) -> Session:
    return Session(given.bundle, given.runtime, given.batch, given.threads, events)


def _measured(
    session: Session, protocol: Protocol, given: argparse.Namespace, events: Events
) -> Mapping[str, Any]:
    energy = energy_of(given, session.no_energy, events)
    with _clocks(given, events):
        return session.bench(protocol, energy)


def _clocks(given: argparse.Namespace, events: Events) -> contextlib.AbstractContextManager[None]:
    return locked_clocks(events.step) if given.lock_clocks else contextlib.nullcontext()

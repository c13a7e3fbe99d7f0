"""One graph in which every INT8 site can be switched on and off, to try combinations quickly."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.export.precision.qdq import write_qdq
from edgeprune.export.precision.sessions import running
from edgeprune.export.precision.sites import Site, Sites
from edgeprune.export.precision.survey import Feed

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_SWITCHES = "edgeprune_switches"


class Switchboard:
    """A running graph with a switch per site; only while `opened`."""

    def __init__(self, runner: OnnxRuntimeRunner, sites: Sites) -> None:
        self._runner = runner
        self._sites = sites

    @property
    def sites(self) -> Sites:
        """What can be switched."""
        return self._sites

    def run(self, feed: Feed, on: Collection[str]) -> NDArray[np.float32]:
        """The first output with these sites, by node, in INT8."""
        return self.outputs(feed, on)[0]

    def outputs(self, feed: Feed, on: Collection[str]) -> list[NDArray[np.float32]]:
        """All outputs with these sites, by node, in INT8."""
        active = self._sites.closed(on)
        switches = np.array([site.node in active for site in self._sites.found])
        return list(self._runner.infer({**feed, _SWITCHES: switches}).values())


@contextlib.contextmanager
def opened(
    model: ModelProto, sites: Sites, thresholds: Mapping[str, float], *, half_scales: bool
) -> Iterator[Switchboard]:
    """The switchboard of a graph of FP32.

    Args:
        thresholds: by value, the magnitude that becomes 127.
        half_scales: as in the graph that is to be written.
    """
    numbers = {site.node: number for number, site in enumerate(sites.found)}
    everything = [site.node for site in sites.found]

    def joint(site: Site, before: str, rounded: str) -> tuple[str, list[NodeProto]]:
        number = numbers[site.node]
        made, switch = f"{rounded}_or_not_{number}_{before}", f"{_SWITCHES}_{number}_{before}"
        return made, [
            helper.make_node("Gather", [_SWITCHES, f"{_SWITCHES}_at_{number}"], [switch]),
            helper.make_node("Where", [switch, rounded, before], [made]),
        ]

    graph = write_qdq(
        model, sites, everything, thresholds, half_scales=half_scales, joint=joint
    )  # fmt: skip
    _add_switches(graph, len(everything))
    with running(graph) as runner:
        yield Switchboard(runner, sites)


def _add_switches(graph: ModelProto, count: int) -> None:
    graph.graph.input.append(helper.make_tensor_value_info(_SWITCHES, TensorProto.BOOL, [count]))
    graph.graph.initializer.extend(
        numpy_helper.from_array(np.array(number, dtype=np.int64), f"{_SWITCHES}_at_{number}")
        for number in range(count)
    )

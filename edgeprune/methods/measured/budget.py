"""A run's budget in milliseconds and millijoules: measured tables, and networks measured by them.

Costs are shares of the dense network's, measured side by side with it, times what that took in a
quiet moment: a busy machine then changes neither.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from edgeprune.atomic import write_text_atomic
from edgeprune.deploy.meter import Meter
from edgeprune.errors import BudgetMissedError, UnsupportedError, UserInputError
from edgeprune.export.narrowed import NarrowedGraphs
from edgeprune.methods.measured.cache import LATENCY, MeasuredCache
from edgeprune.methods.measured.candidates import Found
from edgeprune.methods.measured.check import Check
from edgeprune.methods.measured.rounds import Round, Settled, is_missed, settle
from edgeprune.methods.measured.tables import QUANTITY, UNITS, measure_tables
from edgeprune.methods.measured.variants import plan_variants
from edgeprune.prune.budget import Budget, Choice, MeasuredTarget
from edgeprune.prune.cost import CostModel
from edgeprune.prune.cost_table import CostTable
from edgeprune.prune.graph.types import ChannelGraph, IntArray
from edgeprune.prune.removal import Removal
from edgeprune.prune.width_rules import WidthRules
from edgeprune.train.progress import Progress

_SEARCH = "widths.json"
_SURELY = 2.0  # times the budget: a few measurements may all fall into a slow minute


class MeasuredBudget:
    """Targets that have to be measured.

    Args:
        targets: milliseconds or millijoules, by the budget's name.
        meter: what measures on the target.
        folder: of the run's own measurements.
        tables: folder of tables, which runs of the same network may share.
        progress: shows how far measuring is.

    Raises:
        UnsupportedError: energy is limited and no sensor measures it.
    """

    def __init__(
        self,
        targets: Mapping[str, float],
        meter: Meter,
        folder: Path,
        tables: Path,
        progress: Progress,
    ) -> None:
        if "target_energy_mj" in targets and meter.no_energy is not None:
            raise UnsupportedError(
                f"--target-energy-mj: no sensor measures the energy of {meter.identity['target']} "
                f"({meter.no_energy}); use --target-latency-ms"
            )
        self._targets = targets
        self._meter = meter
        self._folder = folder
        self._tables = tables
        self._progress = progress

    def prepare(
        self,
        network: nn.Module,
        graph: ChannelGraph,
        costs: CostModel,
        example: tuple[Tensor, ...],
        rules: WidthRules,
        alone: bool = False,
    ) -> dict[str, CostTable]:
        """Measure the tables of `network`, which is the one before anything was removed.

        Args:
            alone: whether nothing else is asked, so that a network within these targets as it is
                need not be measured further.

        Raises:
            BudgetMissedError: the narrowest network there may be takes too much.
            UserInputError: there is nothing to prune, and `alone`.
            DeviceError: the target does not answer.
        """
        inputs = tuple(tensor.repeat_interleave(2, 0).cpu() for tensor in example)
        self._scratch = tempfile.TemporaryDirectory(prefix="edgeprune-")
        graphs = NarrowedGraphs(
            network, graph, inputs, Path(self._scratch.name), self._meter.onnx_target
        )
        variants = plan_variants(graph, rules)
        if not variants.joint:
            raise BudgetMissedError(
                f"{_option(next(iter(self._targets)))}: no channel of this network may go; lower "
                "--set floor=... or --round-to, or ignore fewer layers"
            )
        cache = MeasuredCache(self._tables, _key(network, inputs, self._meter))
        names = tuple(self._targets)

        def tell(done: int, whole: int) -> None:
            self._tell(done, whole)
            if cache.has(variants.joint[-1], [QUANTITY[name] for name in names]):
                self._require_reachable(cache, variants.joint[-1], rules, _SURELY)
                if alone:
                    self._require_work({name: cache.dense(QUANTITY[name]) for name in names})

        found = measure_tables(graphs, graph, costs, variants, self._meter, cache, names, tell)
        quiet_ms = cache.dense(LATENCY)
        self._check = Check(graph, graphs, self._meter, self._folder, quiet_ms, self._progress.note)
        self._require_reachable(cache, variants.joint[-1], rules)
        return found

    def beside(self, others: Budget | None, tables: Mapping[str, CostTable]) -> Budget:
        """The budget with these targets and `others`.

        Raises:
            UserInputError: the network is within these as it is, and there are no others.
        """
        dense = {name: table.dense for name, table in tables.items()}
        if others is None:
            self._require_work(dense)
        for said in self._slack(dense):
            self._progress.note(f"note: {said}; the other budgets decide")
        measured = tuple(MeasuredTarget(tables[name], v) for name, v in self._targets.items())
        return Budget(measured=measured) if others is None else others.beside(measured)

    def settle(
        self,
        budget: Budget,
        propose: Callable[[Budget], Choice],
        gone: Callable[[Removal], IntArray],
        calls: int = 1,
    ) -> Settled:
        """Verify and correct (see `rounds.settle`).

        Args:
            gone: channels that each group of the original network has lost with a removal.
            calls: of the meter, for every measurement.
        """
        dense = {target.table.name: target.table.dense for target in budget.measured}

        def measure(removal: Removal) -> dict[str, float]:
            shares = self._check.of_widths(gone(removal), calls)
            return {name: shares[QUANTITY[name]] * cost for name, cost in dense.items()}

        return settle(budget, propose, measure, self._told)

    def of_student(
        self, module: nn.Module, file: Path, tables: Mapping[str, CostTable]
    ) -> dict[str, dict[str, float]]:
        """The delivered network's costs, measured anew: by the budget's name, with 95 % intervals.

        Args:
            module: the network.
            file: its ONNX file.
            tables: those of the budget.
        """
        shares = self._check.of_student(module, file)
        found = {}
        for name, table in tables.items():
            of_dense = shares[QUANTITY[name]]
            found[name] = {
                "cost": of_dense.share * table.dense,
                "dense": table.dense,
                **of_dense.as_dict(),
            }
        return found

    def keep_search(self, found: Found) -> dict[str, Any]:
        """Keep the candidates in the run folder, and say what came of them."""
        kept = found.as_dict()
        write_text_atomic(self._folder / _SEARCH, json.dumps(kept, indent=1) + "\n")
        self._progress.note(f"{'':>10}  {_in_words(found)}")
        return kept

    def kept_search(self) -> dict[str, Any] | None:
        """What `keep_search` kept in this run; None where nothing was searched yet."""
        try:
            kept: dict[str, Any] = json.loads((self._folder / _SEARCH).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return kept

    @property
    def identity(self) -> dict[str, Any]:
        """The target and what it runs, for the report."""
        return dict(self._meter.identity)

    def _require_reachable(
        self, cache: MeasuredCache, narrowest: str, rules: WidthRules, times: float = 1.0
    ) -> None:
        """End where the narrowest network takes more than is asked, and so many times more."""
        for name, value in self._targets.items():
            quantity = QUANTITY[name]
            least = cache.shares(narrowest)[quantity] * cache.dense(quantity)
            if is_missed(times * value, least):
                raise BudgetMissedError(
                    f"{_option(name)} {value:g}: the narrowest network that floor {rules.floor:g} "
                    f"and round_to {rules.round_to} allow takes {least:.3g} {UNITS[name]}; ask "
                    "for more, or lower --set floor=... or --round-to"
                )

    def _require_work(self, dense: Mapping[str, float]) -> None:
        """End where the network is within all targets as it is."""
        slack = self._slack(dense)
        if len(slack) == len(self._targets):
            raise UserInputError(f"{slack[0]}, so that there is nothing to prune; ask for less")

    def _slack(self, dense: Mapping[str, float]) -> list[str]:
        """What is to be said of targets that the dense network is within."""
        return [
            f"{_option(name)} {value:g}: the network takes {dense[name]:.3g} {UNITS[name]} as it is"
            for name, value in self._targets.items()
            if value >= dense[name]
        ]

    def _tell(self, done: int, whole: int) -> None:
        self._progress.counting("measuring narrowed networks", done, whole)
        if done in (0, whole):
            self._progress.note(f"measured {done} of {whole} narrowed networks for cost tables")

    def _told(self, found: Round) -> None:
        parts = (
            f"{found.measured[name]:.4g} {UNITS[name]} measured, {found.predicted[name]:.4g} "
            f"predicted, {self._targets[name]:g} asked"
            for name in self._targets
        )
        self._progress.note(f"{'':>10}  {'; '.join(parts)}")


def _in_words(found: Found) -> str:
    if not found.candidates:
        return "no widths meet the budget"
    widths = ", ".join(str(width) for width in found.candidates[0].widths.values())
    count = len(found.candidates)
    return f"tried {count} candidates out in {found.seconds:.0f} s; the best: {widths}"


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _key(network: nn.Module, inputs: tuple[Tensor, ...], meter: Meter) -> dict[str, Any]:
    """What a table depends on; of the network its structure, not its weights."""
    shapes = [(name, list(tensor.shape)) for name, tensor in network.state_dict().items()]
    structure = json.dumps([repr(network), shapes, [list(tensor.shape[1:]) for tensor in inputs]])
    return {
        "network": hashlib.sha256(structure.encode()).hexdigest()[:16],
        "onnx_target": meter.onnx_target,
        **meter.identity,
    }

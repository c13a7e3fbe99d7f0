"""Weights held at zero: whole channels, or single weights wherever they are.

A mask only ever grows. It is applied again after every optimiser step, to the weights and to the
optimiser's moments, which would otherwise bring the weights back.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from edgeprune.errors import UserInputError
from edgeprune.prune.columns import Columns, columns_of, conv_groups_of, lowest_columns
from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.removal import Removal, check_removal, removed_positions

_WEIGHTED = (nn.modules.conv._ConvNd, nn.Linear)


class MaskSet:
    """Which weights of which parameters stay zero.

    Args:
        keep: by parameter name, a bool tensor of the parameter's shape; False is held at zero.
    """

    def __init__(self, keep: Mapping[str, Tensor]) -> None:
        self._gone = {name: ~kept for name, kept in keep.items()}

    @classmethod
    def for_weights(cls, model: nn.Module) -> MaskSet:
        """A mask over the weights of all convolutions and linear layers that holds none yet."""
        weights = {id(m.weight) for m in model.modules() if isinstance(m, _WEIGHTED)}
        return cls(
            {
                name: torch.ones_like(parameter, dtype=torch.bool)
                for name, parameter in model.named_parameters()
                if id(parameter) in weights
            }
        )

    @classmethod
    def for_channels(cls, model: nn.Module, graph: ChannelGraph, removal: Removal) -> MaskSet:
        """A mask that holds all slices of the removal's channels, with the function of removal.

        Biases and norm shifts are among them: relu(beta) of a channel whose scale alone is zero
        would go on reaching its readers.
        """
        masks = cls(
            {
                name: torch.ones_like(parameter, dtype=torch.bool)
                for name, parameter in model.named_parameters()
            }
        )
        masks.hold_channels(graph, removal)
        return masks

    @classmethod
    def from_state_dict(cls, saved: Mapping[str, Tensor]) -> MaskSet:
        """The inverse of `state_dict`."""
        return cls({name: kept.bool() for name, kept in saved.items()})

    def state_dict(self) -> dict[str, Tensor]:
        """By parameter name: a bool tensor on the CPU, False where the weight is held at zero."""
        return {name: (~gone).cpu() for name, gone in self._gone.items()}

    @property
    def size(self) -> int:
        """Number of weights that the masks cover."""
        return sum(gone.numel() for gone in self._gone.values())

    @property
    def held(self) -> int:
        """Number of weights held at zero."""
        return sum(int(gone.sum()) for gone in self._gone.values())

    @property
    def sparsity(self) -> float:
        """Share of the covered weights held at zero; the network is as large as ever."""
        return self.held / max(self.size, 1)

    def hold_channels(self, graph: ChannelGraph, removal: Removal) -> None:
        """Also hold all slices of the removal's channels.

        Raises:
            UserInputError: the removal does not fit the graph.
        """
        check_removal(graph, removal)
        for number in removal.touched():
            group = graph.groups[number]
            for slices in group.slices:
                gone = self._gone.get(slices.tensor)
                if gone is not None:
                    positions = removed_positions(slices, group.size, removal.channels[number])
                    index = torch.from_numpy(positions).to(gone.device)
                    gone.index_fill_(slices.axis, index, True)

    def shrink_to(self, model: nn.Module, density: float, vector: int = 1) -> None:
        """Hold the smallest weights, over all layers together, until `density` is left free.

        Weights that are held stay held, whatever they are now, and the largest weight of every
        layer is never held, so that no layer is cut off (magnitude pruning: Han et al., NeurIPS
        2015; global, as Frankle & Carbin, ICLR 2019).

        Args:
            model: the network of these masks, with the weights that count.
            density: share of the covered weights that stays free, in [0, 1].
            vector: output channels whose weights go together, see `columns`; the share is then
                met to a column, or to eight for the tensor cores' 32.

        Raises:
            UserInputError: a density out of range, or masks of another network.
        """
        if not 0.0 <= density <= 1.0:
            raise UserInputError(f"density {density:g} is out of range: give a share from 0 to 1")
        parameters = self._parameters(model)
        if vector > 1:
            self._shrink_columns(model, parameters, density, vector)
            return
        ranks = torch.cat([self._ranks(name, p) for name, p in parameters.items()])
        gone = min(self.size - round(density * self.size), self.size - len(parameters))
        if gone <= self.held:
            return
        parts = torch.split(_lowest(ranks, gone), [p.numel() for p in parameters.values()])
        for name, part in zip(parameters, parts, strict=True):
            before = self._gone[name]
            self._gone[name] = before | part.view(before.shape).to(before.device)

    @torch.no_grad()
    def apply(self, model: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> None:
        """Set held weights to zero, and their entries in the optimiser's per-weight state.

        Raises:
            UserInputError: the masks are of another network.
        """
        for name, parameter in self._parameters(model).items():
            gone = self._gone[name] = self._gone[name].to(parameter.device)
            parameter.masked_fill_(gone, 0.0)
            if optimizer is not None and parameter in optimizer.state:
                for value in optimizer.state[parameter].values():
                    if isinstance(value, Tensor) and value.shape == parameter.shape:
                        value.masked_fill_(gone, 0.0)

    @torch.no_grad()
    def refill(self, model: nn.Module, weights: Mapping[str, Tensor]) -> None:
        """Set held weights to their values in `weights`, a state_dict of the model's sizes.

        Raises:
            UserInputError: the masks are of another network.
        """
        for name, parameter in self._parameters(model).items():
            gone = self._gone[name].to(parameter.device)
            parameter.copy_(torch.where(gone, weights[name].to(parameter.device), parameter))

    def _shrink_columns(
        self,
        model: nn.Module,
        parameters: Mapping[str, nn.Parameter],
        density: float,
        vector: int,
    ) -> None:
        groups = conv_groups_of(model)
        columns = {n: columns_of(p, vector, groups.get(n, 1)) for n, p in parameters.items()}
        ranks = {n: self._column_ranks(n, parameters[n], column) for n, column in columns.items()}
        gone = self.size - round(density * self.size)
        parts = lowest_columns(list(ranks.values()), list(columns.values()), gone)
        for (name, column), part in zip(columns.items(), parts, strict=True):
            before = self._gone[name]
            self._gone[name] = before | column.spread(part).to(before.device)

    def _column_ranks(self, name: str, parameter: Tensor, columns: Columns) -> Tensor:
        """Mean squares, -1 where held and infinite at the largest."""
        ranks = columns.mean_squares(parameter)
        ranks[columns.number[self._gone[name].cpu()]] = -1.0
        ranks[ranks.argmax()] = float("inf")
        return ranks

    def shuffled(self, model: nn.Module, rng: np.random.Generator, vector: int = 1) -> MaskSet:
        """As many held weights in every parameter, at random places; columns stay together."""
        parameters = self._parameters(model)
        if vector > 1:
            return self._shuffled_columns(model, rng, vector)
        keep = {}
        for name in parameters:
            gone = self._gone[name]
            order = torch.from_numpy(rng.permutation(gone.numel()))
            keep[name] = ~gone.cpu().flatten()[order].view(gone.shape).to(gone.device)
        return MaskSet(keep)

    def _shuffled_columns(self, model: nn.Module, rng: np.random.Generator, vector: int) -> MaskSet:
        groups, keep = conv_groups_of(model), {}
        for name, parameter in self._parameters(model).items():
            columns = columns_of(parameter, vector, groups.get(name, 1))
            gone = torch.zeros(len(columns.sizes), dtype=torch.bool)
            gone[columns.number[self._gone[name].cpu()]] = True
            lists = gone.view(-1, columns.of_list)
            sizes = columns.sizes.view(lists.shape)[:, 0]
            for size in set(sizes.tolist()):  # lists of short columns: among themselves
                same = (sizes == size).nonzero().flatten()
                mixed = lists[same].numpy()[rng.permutation(len(same))]
                lists[same] = torch.from_numpy(rng.permuted(mixed, axis=1))
            keep[name] = ~columns.spread(gone).to(parameter.device)
        return MaskSet(keep)

    def _ranks(self, name: str, parameter: Tensor) -> Tensor:
        """Magnitudes, -1 where held and infinite at the largest, in plain order."""
        ranks = parameter.detach().float().abs().masked_fill(self._gone[name], -1.0).flatten().cpu()
        ranks[ranks.argmax()] = float("inf")
        return ranks

    def _parameters(self, model: nn.Module) -> dict[str, nn.Parameter]:
        present = dict(model.named_parameters())
        for name, gone in self._gone.items():
            if name not in present or present[name].shape != gone.shape:
                raise UserInputError(f"masks: the network has no {tuple(gone.shape)} weight {name}")
        return {name: present[name] for name in self._gone}


def _lowest(ranks: Tensor, count: int) -> Tensor:
    """Exactly `count` of the lowest values, the first ones of equals; shape of `ranks`, bool."""
    limit = ranks.kthvalue(count).values
    lowest = ranks < limit
    equal = (ranks == limit).nonzero().flatten()
    lowest[equal[: count - int(lowest.sum())]] = True
    return lowest

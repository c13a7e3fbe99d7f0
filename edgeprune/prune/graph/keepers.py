"""What stays by the user's wish or by the nature of its module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from torch import nn

from edgeprune.errors import UserInputError
from edgeprune.prune.graph.context import Context
from edgeprune.prune.graph.labels import Labels

_WHOLE: tuple[tuple[type[nn.Module] | tuple[type[nn.Module], ...], str], ...] = (
    ((nn.RNNBase, nn.RNNCellBase), "recurrent layers (LSTM, GRU, RNN) are left as they are"),
)


def keep_whole_modules(context: Context, model: nn.Module, tensors: Mapping[str, Labels]) -> None:
    """Protect modules whose own code ties their widths to each other.

    Args:
        context: where the statements go.
        model: the network.
        tensors: labels of parameters, by every name they are known by.
    """
    for path, module in model.named_modules():
        for kinds, text in _WHOLE:
            if isinstance(module, kinds):
                names = (name for name, _ in module.named_parameters(prefix=path))
                context.protect((tensors[name] for name in names), text)
                context.ledger.note(path or type(module).__name__, text)


def find_named(
    model: nn.Module, patterns: Sequence[str], option: str = "ignored_layers"
) -> tuple[set[str], set[str]]:
    """Modules and parameters that the patterns name, modules with everything inside them.

    Args:
        model: the network.
        patterns: module or parameter names, exact or with `*`, `?` and `[…]` as in `fnmatch`.
        option: what messages call them.

    Returns:
        Module paths and parameter names.

    Raises:
        UserInputError: a pattern names nothing.
    """
    if isinstance(patterns, str):
        patterns = [patterns]
    modules = [path for path, _ in model.named_modules(remove_duplicate=False) if path]
    parameters = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    names = [*modules, *parameters]
    hit = {found for pattern in patterns for found in _matches(pattern, names, option)}
    hit |= {name for name in names if any(name.startswith(f"{outer}.") for outer in hit)}
    return hit & set(modules), hit & set(parameters)


def _matches(pattern: str, names: list[str], option: str) -> list[str]:
    if not isinstance(pattern, str):
        raise UserInputError(
            f"{option}: {type(pattern).__name__} is not a name; pass names of modules, "
            "as in model.named_modules()"
        )
    found = [name for name in names if name == pattern or fnmatchcase(name, pattern)]
    if not found:  # the name of a channel group: a layer and a number
        found = [name for name in names if name == pattern.partition("#")[0]]
    if not found:
        near = get_close_matches(pattern, names, n=3)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "see named_modules()"
        raise UserInputError(f"{option}: no module or parameter is named '{pattern}'; {hint}")
    return found

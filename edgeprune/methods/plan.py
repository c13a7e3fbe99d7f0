"""When to prune, and how far towards the target each event goes.

Progress is the share of the wanted removal that is reached after an event: 0 at the original
size, 1 at the target, whatever the target counts (parameters, MACs or channels).
"""

from __future__ import annotations

import math

from edgeprune.errors import UserInputError
from edgeprune.prune.schedule import schedule_progress
from edgeprune.prune.two_to_four import GROUP as PATTERN_GROUP
from edgeprune.recipe import Recipe
from edgeprune.wording import counted


def check_plan(recipe: Recipe) -> None:
    """Refuse what no training could carry out, before anything is trained.

    Raises:
        UserInputError: too few epochs for the events, a target without a share of the weights, or
            finishing stages that contradict the other settings.
    """
    _check_finish(recipe)
    _check_refill(recipe)
    if recipe.masks_weights and not recipe.refill and recipe.measured_targets:
        raise UserInputError(
            f"setting '{next(iter(recipe.measured_targets))}': {recipe.granularity} masks leave "
            "all widths as they are, and no latency or energy falls with them; use "
            "granularity=channel, or refill=true"
        )
    if recipe.masks_weights and _relative_target(recipe) is None:
        raise UserInputError(
            f"setting 'granularity': {recipe.granularity} masks keep a share of the weights and "
            "need a relative target; give target_params as a fraction, or granularity=channel"
        )
    if recipe.method == "sp_sad":
        sp_events(recipe)
    else:
        round_progress(recipe)


def _check_finish(recipe: Recipe) -> None:
    """The finishing stages' settings, as far as they can be judged without the network."""
    if recipe.granularity == "2:4" and recipe.round_to % PATTERN_GROUP:
        raise UserInputError(
            f"setting 'round_to': {recipe.round_to} leaves widths that the 2:4 pattern does not "
            f"fit; use a multiple of {PATTERN_GROUP}, for example --round-to 8"
        )
    stages = {"sparse": recipe.granularity == "2:4", "qat": recipe.qat}
    remedies = {"sparse": "--granularity 2:4", "qat": "--qat"}
    for stage, is_asked in stages.items():
        for name in (f"{stage}_epochs", f"{stage}_lr"):
            if getattr(recipe, name) is not None and not is_asked:
                raise UserInputError(
                    f"setting '{name}': there is no such stage in this run; add {remedies[stage]}"
                )


def _check_refill(recipe: Recipe) -> None:
    if recipe.refill and recipe.method == "sp_sad":
        raise UserInputError(
            "setting 'refill': it makes channels of a lottery ticket, and sp_sad searches none; "
            "use --method lth_sad or ss_sad"
        )
    if recipe.refill and recipe.granularity != "weight":
        raise UserInputError(
            f"setting 'refill': it needs a ticket of single weights, and granularity is "
            f"{recipe.granularity}; add --granularity weight"
        )


def sp_events(recipe: Recipe) -> dict[int, float]:
    """Epoch -> progress of SP-SAD's events, which come before their epochs, every `every` of them.

    `prune_from` and `prune_until` keep the first and the last part of the training free of them:
    before weights mean something there is nothing to score, and the student has to recover. The
    first event comes before the first epoch only where `warm_epochs` have trained the student.

    Raises:
        UserInputError: the epochs leave no room for an event, or too few for the schedule.
    """
    last = min(recipe.epochs - 1, int(recipe.prune_until * recipe.epochs))
    first = math.ceil(recipe.prune_from * recipe.epochs)
    earliest = 0 if recipe.warm_epochs else recipe.every
    candidates = range(earliest, max(last, 1) + 1, recipe.every)
    due = [epoch for epoch in candidates if first <= epoch < recipe.epochs]
    if not due:
        raise UserInputError(
            f"setting 'epochs': {counted(recipe.epochs, 'epoch')} with an event every "
            f"{recipe.every} between prune_from {recipe.prune_from:g} and prune_until "
            f"{recipe.prune_until:g} leave no room to prune and train on; use more epochs or a "
            "smaller 'every'"
        )
    progress = _progress(recipe, len(due))
    if len(progress) > len(due):
        raise UserInputError(
            f"setting 'rate': {len(progress)} events of {recipe.rate:.0%} are needed to reach the "
            f"target, {len(due)} fit into {counted(recipe.epochs, 'epoch')}; use more epochs, a "
            "smaller 'every' or a larger 'rate'"
        )
    return dict(zip(due, progress, strict=False))


def round_progress(recipe: Recipe) -> tuple[float, ...]:
    """Progress after each round of a ticket search; the last is 1."""
    return _progress(recipe, recipe.rounds)


def kept_density(recipe: Recipe, progress: float) -> float:
    """For weight masks: the share of the weights that stays non-zero after `progress`."""
    return 1.0 - (1.0 - wanted_share(recipe)) * progress


def _progress(recipe: Recipe, events: int) -> tuple[float, ...]:
    """Progress per event; rate-driven schedules decide their own number of events."""
    return schedule_progress(
        recipe.schedule, events=events, rate=recipe.rate, removal=1.0 - wanted_share(recipe)
    )


def wanted_share(recipe: Recipe) -> float:
    """The share of the original size that is to be left, for schedules driven by a rate.

    Parameters are the paper's notion of size; a MAC or channel target stands in where they are not
    limited. Absolute numbers have no share of their own: the strictest relative one counts.
    """
    relative = _relative_target(recipe)
    if relative is not None:
        return relative
    if recipe.schedule in ("additive", "multiplicative"):
        raise UserInputError(
            f"setting 'schedule': '{recipe.schedule}' removes a rate of the original size and "
            "needs a relative target (a fraction); use one, or schedule=cubic"
        )
    return 0.0


def _relative_target(recipe: Recipe) -> float | None:
    shares = [
        target
        for target in (recipe.target_params, recipe.target_macs)
        if target is not None and target <= 1
    ]
    if shares:
        return min(shares)
    return None if recipe.pruning_ratio is None else 1.0 - recipe.pruning_ratio

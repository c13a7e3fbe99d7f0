"""LTH-SAD: lottery rounds that train with the SAD loss (arXiv 2401.10484, section III)."""

from __future__ import annotations

from edgeprune.methods.lottery import search_ticket
from edgeprune.methods.run import Run
from edgeprune.methods.student import Student


def lth_sad(run: Run) -> Student:
    """Search a ticket with SAD, then train it, from its rewound weights, with SAD.

    The search stops at the wanted size, so exactly one round trains a network of that size: the
    last one, with the run's full number of epochs.
    """
    training = run.search_training(run.sad_loss())
    ticket = search_ticket(run, training)
    run.train(ticket.student, "ticket", run.final_training().starting_at(ticket.rounds))
    return ticket.student

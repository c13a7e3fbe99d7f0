"""SS-SAD: a ticket found without the teacher, then distillation (arXiv 2401.10484, section III)."""

from __future__ import annotations

from edgeprune.methods.lottery import search_ticket
from edgeprune.methods.run import Run
from edgeprune.methods.student import Student


def ss_sad(run: Run) -> Student:
    """Phase A: lottery rounds with cross-entropy only. Phase B: the ticket learns from the teacher.

    `ticket_init` says where phase B starts: from the rewound weights (`ticket`) or from those the
    last round left (`trained`).
    """
    ticket = search_ticket(run, run.search_training(run.plain_loss()))
    student = ticket.student
    if run.recipe.ticket_init == "trained":
        student.load_present(ticket.trained)
    run.train(student, "distil", run.final_training())
    return student

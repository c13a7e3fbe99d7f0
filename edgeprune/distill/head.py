"""The attention head of Show, Attend and Distill: which student tap follows which teacher tap.

Source: Ji et al., "Show, Attend and Distill", AAAI 2021, arXiv 2102.02973, equations 1 to 6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from edgeprune.distill.summary import TapSummary, summarise, summarise_all
from edgeprune.distill.sync_norm import SyncedBatchNorm1d
from edgeprune.distill.tap_shapes import channels_of, check_kinds, check_shape
from edgeprune.distill.values import value_distances
from edgeprune.errors import UserInputError


class AttentionHead(nn.Module):
    """The AFD loss: attention-weighted distances between energy maps of teacher and student.

    It trains with the student and is dropped afterwards. All of it runs in float32 (float64 for
    float64 features), under autocast too. In distributed training its normalisations cover the
    batches of all processes.

    Args:
        teacher_shapes: shapes of the teacher's N_t taps, batch first: (B, C, H, W) maps,
            (B, P, C) stacks of P positions, (B, C) vectors. Only C and the kind matter.
        student_shapes: the same of the student's N_s taps; C may shrink later (`shrink_key`).
        dim: width d of queries and keys.

    Raises:
        UserInputError: no taps, a tap with a single position, or a teacher tap of a kind (vector,
            stack, map) that no student tap has.
    """

    same_kind: Tensor | None

    def __init__(
        self,
        teacher_shapes: Sequence[tuple[int, ...]],
        student_shapes: Sequence[tuple[int, ...]],
        dim: int = 128,
    ) -> None:
        super().__init__()
        check_kinds(teacher_shapes, student_shapes)
        teachers, students = len(teacher_shapes), len(student_shapes)
        self.query_layers = nn.ModuleList(nn.Linear(channels_of(s), dim) for s in teacher_shapes)
        self.query_norm = SyncedBatchNorm1d(teachers * dim)
        self.key_layers = nn.ModuleList(nn.Linear(channels_of(s), dim) for s in student_shapes)
        self.key_norm = SyncedBatchNorm1d(students * dim)
        self.bilinear = nn.Linear(dim, teachers * dim)
        self.bilinear_norm = SyncedBatchNorm1d(teachers * dim)
        self.teacher_position = nn.Parameter(nn.init.xavier_normal_(torch.empty(teachers, dim)))
        self.student_position = nn.Parameter(nn.init.xavier_normal_(torch.empty(students, dim)))
        self.dim = dim
        self.register_buffer(
            "same_kind", _same_kind(teacher_shapes, student_shapes), persistent=False
        )

    def forward(
        self, teacher_features: Sequence[Tensor | TapSummary], student_features: Sequence[Tensor]
    ) -> Tensor:
        """AFD of one batch, a scalar.

        Args:
            teacher_features: N_t taps of the batch, or what `summarise` makes of them; no gradient
                flows to them.
            student_features: N_s taps of the same batch.

        Raises:
            UserInputError: fewer than 2 samples (in training, or with vectors), or taps that this
                head was not built for.
        """
        self._check(teacher_features, student_features)
        with torch.autocast(student_features[0].device.type, enabled=False):
            teacher = summarise_all(teacher_features)
            student = [summarise(feature) for feature in student_features]
            weighted = self.attention(teacher, student) * value_distances(teacher, student)
            loss: Tensor = weighted.sum() / len(student_features[0])
            return loss

    def attention(self, teacher: Sequence[TapSummary], student: Sequence[TapSummary]) -> Tensor:
        """(B, N_t, N_s): for each teacher tap, how much each student tap should follow it."""
        queries = self.query_norm(_project(self.query_layers, teacher)).unflatten(1, (-1, self.dim))
        keys = self.key_norm(_project(self.key_layers, student)).relu().view(-1, self.dim)
        mapped = self.bilinear_norm(self.bilinear(keys))
        mapped = mapped.view(len(queries), len(student), len(teacher), self.dim)
        logits = (mapped * queries.unsqueeze(1)).sum(-1).transpose(1, 2)
        logits = (logits + self.teacher_position @ self.student_position.T) / math.sqrt(self.dim)
        if self.same_kind is not None:
            logits = logits.masked_fill(~self.same_kind, -math.inf)
        attention: Tensor = logits.softmax(dim=2)
        return attention

    @torch.no_grad()
    def shrink_key(self, s: int, keep: Tensor) -> None:
        """Follow a surgery on the student: tap `s` keeps the channels `keep`.

        The weight becomes a new parameter; its optimiser state is the caller's
        (`key_layers.{s}.weight`, axis 1).

        Args:
            s: index of the student tap.
            keep: (kept,) positions among the tap's present channels, in order.
        """
        layer = self.key_layers[s]
        assert isinstance(layer, nn.Linear)
        old = layer.weight
        keep = keep.to(old.device)
        layer.weight = nn.Parameter(old.index_select(1, keep), requires_grad=old.requires_grad)
        if old.grad is not None:
            layer.weight.grad = old.grad.index_select(1, keep)
        layer.in_features = len(keep)

    def _check(self, teacher: Sequence[Tensor | TapSummary], student: Sequence[Tensor]) -> None:
        for side, features, layers in (
            ("teacher", teacher, self.query_layers),
            ("student", student, self.key_layers),
        ):
            if len(features) != len(layers):
                raise UserInputError(
                    f"the attention head was built for {len(layers)} {side} taps and got "
                    f"{len(features)}: build it from the taps in use"
                )
            for index, (feature, layer) in enumerate(zip(features, layers, strict=True)):
                assert isinstance(layer, nn.Linear)
                check_shape(tuple(feature.shape), f"{side} tap {index}", layer.in_features)
        relates_samples = any(feature.ndim == 2 for feature in student)
        if len(student[0]) < 2 and (self.training or relates_samples):
            raise UserInputError(
                "the attention head needs batches of at least 2 samples: raise --set batch_size=..."
            )


def _project(layers: nn.ModuleList, taps: Sequence[TapSummary]) -> Tensor:
    """(B, taps * dim); side by side, so that one batch norm serves all taps."""
    projected = [layer(tap.pooled) for layer, tap in zip(layers, taps, strict=True)]
    return torch.cat(projected, dim=1)


def _same_kind(
    teacher_shapes: Sequence[tuple[int, ...]], student_shapes: Sequence[tuple[int, ...]]
) -> Tensor | None:
    """(N_t, N_s) booleans, or None where all taps are of one kind."""
    pairs = [[len(t) == len(s) for s in student_shapes] for t in teacher_shapes]
    return None if all(map(all, pairs)) else torch.tensor(pairs)

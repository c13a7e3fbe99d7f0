"""How differently two layers relate the samples of a batch: the distance of vector taps.

A vector's value is the row of its inner products with the others of the batch, normalised. Rows of
B products each are never made: with R_s and R_t the rows of two taps, sums over the batch are

    ⟨R_s[b], R_t[b]⟩ = f_s[b]ᵀ (Σ_j f_s[j] f_t[j]ᵀ) f_t[b] − ‖f_s[b]‖² ‖f_t[b]‖²

(the last term drops the sample itself), which costs B·C_s·C_t instead of B²·C. That difference may
cancel where the batch is small: such are computed in float64. In a large one the others outweigh
the sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

_LARGE: Final = 512  # samples
# A row whose squared length is below so many roundings of ‖f‖⁴ is empty: no digit of it is known.
_EMPTY: Final = 1e4


def relation_distances(teacher: Sequence[Tensor], student: Sequence[Tensor]) -> Tensor:
    """mean_j (v_s[b, j] − v_t[b, j])² of every sample and pair of taps, over the B − 1 others.

    Args:
        teacher: N_t vector taps (B, C_t); no gradient flows to them.
        student: N_s taps (B, C_s), differentiable.

    Returns:
        (B, N_t, N_s), in the student's type.
    """
    with torch.no_grad():
        wanted = [_precise(tap) for tap in teacher]
        wanted_norms = torch.stack([_norm(tap) for tap in wanted], dim=1)
        widths = [tap.shape[1] for tap in wanted]
        side_by_side = torch.cat(wanted, dim=1)
        own = torch.stack([tap.square().sum(1) for tap in wanted], dim=1)
    columns = []
    for tap in student:
        given = _precise(tap)
        products = (given @ (given.T @ side_by_side)) * side_by_side
        inner = torch.stack([part.sum(1) for part in torch.split(products, widths, dim=1)], dim=1)
        inner = inner - given.square().sum(1, keepdim=True) * own
        norm = _norm(given).unsqueeze(1)
        scale = wanted_norms * norm
        cosine = torch.where(scale > 0, inner / torch.where(scale > 0, scale, 1.0), 0.0)
        lengths = (wanted_norms > 0).to(norm.dtype) + (norm > 0).to(norm.dtype)
        columns.append(lengths - 2 * cosine)
    others = max(len(student[0]) - 1, 1)
    return (torch.stack(columns, dim=2) / others).to(student[0].dtype)


def _precise(tap: Tensor) -> Tensor:
    return tap if len(tap) >= _LARGE else tap.double()


def _norm(tap: Tensor) -> Tensor:
    """(B,) length of every sample's row of relations; 0 where it is empty."""
    own = tap.square().sum(1)
    squared = ((tap @ (tap.T @ tap)) * tap).sum(1) - own.square()
    known = squared > _EMPTY * torch.finfo(tap.dtype).eps * own.square()
    return torch.where(known, torch.where(known, squared, 1.0).sqrt(), 0.0)

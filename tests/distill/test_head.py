"""The fast attention head against the formulas, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from edgeprune.distill import AttentionHead, default_taps, tap_shapes
from edgeprune.errors import UserInputError
from edgeprune.models.registry import build_model

Shapes = Sequence[tuple[int, ...]]
LiteralAfd = Callable[[AttentionHead, Sequence[Tensor], Sequence[Tensor]], Tensor]

MAPS: Shapes = [(5, 3, 6, 6), (5, 4, 6, 6), (5, 8, 3, 3)]
CASES: dict[str, tuple[Shapes, Shapes]] = {
    "same resolutions": (MAPS, [(5, 2, 6, 6), (5, 5, 3, 3)]),
    "student larger": ([(5, 3, 4, 4)], [(5, 2, 8, 8), (5, 5, 6, 6)]),
    "student smaller": ([(5, 3, 8, 8), (5, 3, 8, 6)], [(5, 2, 4, 4), (5, 5, 3, 2)]),
    "resolutions interleaved": (
        [(5, 3, 4, 4), (5, 3, 2, 2), (5, 6, 4, 4)],
        [(5, 2, 2, 2), (5, 5, 4, 4), (5, 4, 2, 2)],
    ),
    "one student tap": (MAPS, [(5, 2, 6, 6)]),
    "vectors": ([(5, 7), (5, 4)], [(5, 3), (5, 2), (5, 6)]),
    "stacks": ([(5, 4, 7), (5, 4, 6)], [(5, 4, 3), (5, 6, 3)]),
    "vectors and stacks": ([(5, 4), (5, 3, 6), (5, 5)], [(5, 3, 2), (5, 3), (5, 4)]),
}


def _features(shapes: Shapes, *, gradient: bool, channels_last: bool) -> list[Tensor]:
    features = []
    for shape in shapes:
        feature = torch.randn(shape, dtype=torch.float64).relu()
        if channels_last and feature.ndim == 4:
            feature = feature.to(memory_format=torch.channels_last)
        features.append(feature.requires_grad_(gradient))
    return features


def _head(teacher: Shapes, student: Shapes) -> AttentionHead:
    head = AttentionHead(teacher, student, dim=6).double()
    for parameter in head.parameters():  # BN weights and biases away from 1 and 0
        torch.nn.init.normal_(parameter, std=0.5)
    for norm in (head.query_norm, head.key_norm, head.bilinear_norm):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return head


def _assert_equal(
    head: AttentionHead, teacher: list[Tensor], student: list[Tensor], literal: LiteralAfd
) -> None:
    variables = [*student, *head.parameters()]
    expected = literal(head, teacher, student)
    expected_gradients = torch.autograd.grad(expected, variables, materialize_grads=True)
    loss = head(teacher, student)
    gradients = torch.autograd.grad(loss, variables, materialize_grads=True)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=1e-10)
    for ours, theirs in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("channels_last", [True, False], ids=["nhwc", "nchw"])
@pytest.mark.parametrize("case", CASES)
def test_equals_the_formulas(
    case: str, channels_last: bool, training: bool, literal_afd: LiteralAfd
) -> None:
    torch.manual_seed(0)
    teacher_shapes, student_shapes = CASES[case]
    head = _head(teacher_shapes, student_shapes).train(training)
    teacher = _features(teacher_shapes, gradient=False, channels_last=channels_last)
    student = _features(student_shapes, gradient=True, channels_last=channels_last)
    _assert_equal(head, teacher, student, literal_afd)


def test_equals_the_formulas_when_a_tap_is_dead(literal_afd: LiteralAfd) -> None:
    torch.manual_seed(0)
    head = _head(MAPS, MAPS)
    teacher = _features(MAPS, gradient=False, channels_last=True)
    student = _features(MAPS, gradient=True, channels_last=True)
    with torch.no_grad():
        teacher[0].zero_()
        student[1].zero_()
        student[2][0] = 0
    _assert_equal(head, teacher, student, literal_afd)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_perfect_student_has_no_feature_loss(data: st.DataObject) -> None:
    batch, size = data.draw(st.integers(2, 5)), data.draw(st.integers(2, 6))
    channels = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    map_ = torch.rand(batch, 1, size, size, dtype=torch.float64) + 0.1
    features = [map_.expand(-1, c, -1, -1) for c in channels]
    shapes = [tuple(f.shape) for f in features]
    loss = AttentionHead(shapes, shapes, dim=4).double()(features, features)
    assert abs(loss.item()) < 1e-12


def test_wrn_pair_has_the_published_number_of_parameters() -> None:
    images = torch.zeros(1, 3, 32, 32)
    shapes = []
    for arch in ("wrn_40_2", "wrn_16_2"):
        model = build_model(arch, num_classes=100)
        shapes.append(tap_shapes(model, default_taps(model, images), images))
    assert [len(taps) for taps in shapes] == [18, 6]
    head = AttentionHead(shapes[0], shapes[1], dim=128)
    assert sum(parameter.numel() for parameter in head.parameters()) == 543_488


def test_no_gradient_reaches_the_teacher() -> None:
    teacher = _features(MAPS, gradient=True, channels_last=True)
    student = _features(MAPS, gradient=True, channels_last=True)
    _head(MAPS, MAPS)(teacher, student).backward()
    assert all(feature.grad is None for feature in teacher)
    assert all(feature.grad is not None and feature.grad.any() for feature in student)


def test_autocast_changes_nothing() -> None:
    torch.manual_seed(0)
    head = AttentionHead(MAPS, MAPS, dim=8)
    student = [torch.randn(shape, requires_grad=True) for shape in MAPS]
    teacher = [torch.randn(shape) for shape in MAPS]
    plain = head(teacher, student)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = head(teacher, student)
    assert cast.dtype == torch.float32
    assert torch.equal(plain, cast)


def test_bfloat16_features_are_worked_on_in_float32() -> None:
    torch.manual_seed(0)
    head = AttentionHead(MAPS, MAPS, dim=8)
    narrow = [torch.randn(shape).bfloat16().requires_grad_() for shape in MAPS]
    wide = [feature.detach().float().requires_grad_() for feature in narrow]
    teacher = [torch.randn(shape) for shape in MAPS]
    loss, expected = head(teacher, narrow), head(teacher, wide)
    assert torch.equal(loss, expected)
    loss.backward()
    expected.backward()
    for ours, exact in zip(narrow, wide, strict=True):
        assert ours.grad is not None
        torch.testing.assert_close(ours.grad.float(), exact.grad, rtol=0.03, atol=1e-5)


def test_shrunk_key_equals_masked_channels() -> None:
    torch.manual_seed(0)
    head = _head(MAPS, MAPS)
    teacher = _features(MAPS, gradient=False, channels_last=True)
    student = _features(MAPS, gradient=False, channels_last=True)
    keep = torch.tensor([0, 3, 4, 7])
    masked = student[2].clone()
    masked[:, [1, 2, 5, 6]] = 0
    expected = head(teacher, [*student[:2], masked])
    head(teacher, student).backward()
    before = head.key_layers[2].weight
    assert before.grad is not None
    head.shrink_key(2, keep)
    after = dict(head.named_parameters())["key_layers.2.weight"]
    assert after is not before
    assert after.shape == (6, 4)
    assert after.grad is not None
    assert torch.equal(after.grad, before.grad[:, keep])
    assert head.key_layers[2].in_features == 4
    torch.testing.assert_close(head(teacher, [*student[:2], student[2][:, keep]]), expected)


def _refusals() -> list[tuple[str, Callable[[], object]]]:
    def forward(teacher: Shapes, student: Shapes) -> Callable[[], object]:
        head = AttentionHead(MAPS, MAPS, dim=4)
        return lambda: head([torch.ones(s) for s in teacher], [torch.ones(s) for s in student])

    return [
        ("at least 2 samples", forward([(1, *s[1:]) for s in MAPS], [(1, *s[1:]) for s in MAPS])),
        ("single position", lambda: AttentionHead([(2, 3, 1, 1)], MAPS)),
        ("single position", lambda: AttentionHead(MAPS, [(2, 3, 1, 1)])),
        ("single position", lambda: AttentionHead([(2, 1, 4)], [(2, 3, 4)])),
        ("teacher has no taps", lambda: AttentionHead([], MAPS)),
        ("student has no taps", lambda: AttentionHead(MAPS, [])),
        ("no student tap is", lambda: AttentionHead([(2, 3)], MAPS)),
        ("has shape", lambda: AttentionHead([(2, 3, 4, 4, 4)], MAPS)),
        ("3 student taps and got 2", forward(MAPS, MAPS[:2])),
        ("call shrink_key", forward(MAPS, [(5, 2, 6, 6), *MAPS[1:]])),
    ]


@pytest.mark.parametrize(("message", "act"), _refusals(), ids=lambda value: str(value)[:24])
def test_refuses_in_one_line(message: str, act: Callable[[], object]) -> None:
    with pytest.raises(UserInputError, match=message) as refusal:
        act()
    assert "\n" not in str(refusal.value)


def test_one_sample_is_enough_in_eval_mode() -> None:
    shapes = [(1, *shape[1:]) for shape in MAPS]
    head = AttentionHead(shapes, shapes, dim=4).eval()
    loss = head([torch.rand(s) for s in shapes], [torch.rand(s) for s in shapes])
    assert torch.isfinite(loss)

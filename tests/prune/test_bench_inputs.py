"""Which inputs a proof runs on."""

from __future__ import annotations

import pytest
import torch

from edgeprune.prune.arithmetic import TOLERANCE, exact_arithmetic, proof_dtypes
from edgeprune.prune.bench_inputs import bench_inputs


def _shapes(inputs, macs):
    return [tuple(value.shape for value in candidate) for candidate in bench_inputs(inputs, macs)]


def test_small_networks_run_on_the_users_inputs():
    image = torch.randn(2, 3, 32, 32)
    (only,) = bench_inputs((image,), 10**6)
    assert torch.equal(only[0], image)


def test_costly_images_are_cropped_until_they_are_cheap():
    shapes = _shapes((torch.randn(1, 3, 224, 224),), 15 * 10**9)
    assert [shape[0][-1] for shape in shapes] == [32, 96, 224]


def test_many_samples_become_two():
    shapes = _shapes((torch.randn(64, 3, 32, 32), torch.zeros(64, 5, dtype=torch.long)), 10**6)
    assert shapes == [((2, 3, 32, 32), (2, 5)), ((64, 3, 32, 32), (64, 5))]


def test_inputs_of_different_first_axes_stay_whole():
    assert _shapes((torch.randn(8, 4), torch.randn(6, 4)), 10**6) == [((8, 4), (6, 4))]


def test_crops_end_where_nothing_can_be_cropped():
    assert _shapes((torch.randn(1, 1000, 1000),), 10**15) == [((1, 1000, 1000),)]
    assert _shapes((torch.randn(1, 3, 32, 48),), 10**15) == [((1, 3, 32, 32),), ((1, 3, 32, 48),)]


@pytest.mark.parametrize("value", [torch.zeros(2, 3), torch.ones(2, 3)])
def test_constant_inputs_are_drawn(value):
    (candidate,) = bench_inputs((value,), 1)
    assert candidate[0].std() > 0
    assert torch.equal(candidate[0], bench_inputs((value,), 1)[0][0])


def test_numbers_that_are_no_floats_stay():
    tokens = torch.zeros(2, 3, dtype=torch.long)
    assert torch.equal(bench_inputs((tokens,), 1)[0][0], tokens)


def test_float64_only_where_two_copies_fit_in_half_the_memory(monkeypatch):
    model = torch.nn.Linear(100, 10, bias=False)
    for free, expected in ((32001, torch.float64), (31999, torch.float32)):
        monkeypatch.setattr("edgeprune.prune.arithmetic.free_bytes", lambda _, free=free: free)
        assert proof_dtypes(model, torch.device("cpu"))[0] is expected
    assert TOLERANCE[torch.float64] == 1e-9


def test_arithmetic_is_exact_inside_and_as_before_outside():
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu"), exact_arithmetic(torch.device("cpu")):
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.is_autocast_enabled("cpu")
            assert not torch.is_grad_enabled()
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")

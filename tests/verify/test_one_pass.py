"""The test split is read once, evenly, by everybody."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgeprune.data.registry import load_data
from edgeprune.errors import UserInputError
from edgeprune.verify.networks import Inputs, Network
from edgeprune.verify.one_pass import run_pass


def _linear(seed: int, width: int = 10) -> Network:
    weight = np.random.default_rng(seed).standard_normal((64, width)).astype(np.float32)
    return lambda inputs: [inputs[0].reshape(len(inputs[0]), -1) @ weight]


def test_figures_are_those_of_the_outputs() -> None:
    data = load_data("digits", seed=0)
    found = run_pass(_linear(0), {"same": _linear(0), "other": _linear(1)}, data, None, None)
    assert data.test_reads == 1
    assert found.samples == data.size("test") == len(found.exact)
    np.testing.assert_array_equal(found.scores["same"], found.exact)
    assert found.agreement["same"] == 1.0
    (batch,) = data.batches("test", batch_size=10_000)
    inputs, targets = tuple(t.numpy() for t in batch.inputs), batch.targets.numpy()
    ours, theirs = _linear(0)(inputs)[0], _linear(1)(inputs)[0]
    assert found.exact.mean() == np.mean(ours.argmax(1) == targets)
    assert found.scores["other"].mean() == np.mean(theirs.argmax(1) == targets)
    assert found.agreement["other"] == np.mean(theirs.argmax(1) == ours.argmax(1))
    difference = found.differences["other"]
    assert difference.max_abs_error == pytest.approx(np.abs(ours - theirs).max())
    assert difference.max_rel_error == pytest.approx(
        np.abs(ours - theirs).max() / np.abs(ours).max()
    )
    noise = 10 * np.log10(np.square(ours).sum() / np.square(ours - theirs).sum())
    assert difference.noise.db == pytest.approx(noise, abs=1e-3)


@pytest.mark.parametrize(("limit", "samples"), [(1, 1), (10, 10), (359, 359), (10_000, 359)])
def test_a_limit_takes_images_from_all_over(limit: int, samples: int) -> None:
    data, seen = load_data("digits", seed=0), []

    def network(inputs: Inputs) -> list[np.ndarray]:
        seen.append(inputs[0])
        return _linear(0)(inputs)

    assert run_pass(network, {}, data, None, limit).samples == samples
    (batch,) = data.batches("test", batch_size=10_000)
    images = batch.inputs[0].numpy()
    last = np.concatenate(seen)[-1]
    np.testing.assert_array_equal(last, images[0 if limit == 1 else -1])


def test_outputs_are_matched_with_the_datas_classes() -> None:
    data = load_data("digits", seed=0)
    columns = torch.arange(9, -1, -1)

    def reversed_outputs(inputs: Inputs) -> list[np.ndarray]:
        return [np.ascontiguousarray(_linear(0)(inputs)[0][:, ::-1])]

    plain = run_pass(_linear(0), {}, data, None, 50)
    found = run_pass(reversed_outputs, {}, data, columns, 50)
    np.testing.assert_array_equal(found.exact, plain.exact)


def test_what_does_not_fit_is_refused() -> None:
    data = load_data("digits", seed=0)
    with pytest.raises(UserInputError, match="has 10 classes, the network gives"):
        run_pass(_linear(0, width=7), {}, data, None, None)
    with pytest.raises(UserInputError, match=r"m\.onnx: gives .* of another network"):
        run_pass(_linear(0), {"m.onnx": _linear(0, width=7)}, data, None, None)

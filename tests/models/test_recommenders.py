"""NeuMF and DLRM: sizes, inputs, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.distill.taps import default_taps, tap_shapes
from edgeprune.errors import UserInputError
from edgeprune.models.checkpoint import checkpoint_of, load_checkpoint, save_checkpoint
from edgeprune.models.inputs import input_specs, random_inputs
from edgeprune.models.inspection import inspect_model
from edgeprune.models.registry import build_model, list_archs
from edgeprune.models.restore import restore_model
from edgeprune.models.summary import count_params

_NEUMF = {"num_classes": 1, "in_channels": 2, "rows": [31, 21]}
_DLRM = {
    "num_classes": 1, "in_channels": 4, "rows": [31, 21, 6, 5], "dense": 3, "bag_rows": 7,
    "bag_length": 4,
}  # fmt: skip


def test_neumf_has_the_sizes_of_its_source() -> None:
    network = build_model("neumf_8", **_NEUMF)
    # He et al.: factors 8, tower 64 -> 32 -> 16 -> 8, so embeddings of 32 in the tower.
    tables = 52 * (8 + 32)
    tower = 64 * 32 + 32 + 32 * 16 + 16 + 16 * 8 + 8
    assert count_params(network) == tables + tower + 16 + 1
    assert count_params(build_model("neumf_small", **_NEUMF)) == count_params(network)
    assert count_params(build_model("neumf", **_NEUMF)) > count_params(network)


def test_neumf_is_what_its_equation_says() -> None:
    network = build_model("neumf_2", **_NEUMF).eval()
    ids = torch.tensor([[3, 4], [30, 20]])
    weights = dict(network.named_parameters())
    gmf = weights["gmf_user.weight"][ids[:, 0]] * weights["gmf_item.weight"][ids[:, 1]]
    hidden = torch.cat(
        [weights["mlp_user.weight"][ids[:, 0]], weights["mlp_item.weight"][ids[:, 1]]], 1
    )
    for number in (1, 2, 3):
        layer = f"tower.fc{number}"
        hidden = (hidden @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]).relu()
    both = torch.cat([gmf, hidden], 1)
    expected = both @ weights["head.weight"].T + weights["head.bias"]
    torch.testing.assert_close(network(ids), expected)


def test_dlrm_is_what_its_source_says() -> None:
    network = build_model("dlrm_4", **_DLRM).eval()
    inputs = random_inputs(input_specs(network) or (), 3, torch.Generator().manual_seed(0))
    ids, dense, bag = inputs
    numbers = network.bottom(dense)
    vectors = [numbers, *(table(ids[:, n]) for n, table in enumerate(network.tables))]
    words = network.words.weight
    mean = [
        words[row[row > 0]].mean(0) if (row > 0).any() else torch.zeros(4) for row in bag
    ]  # fmt: skip
    vectors.append(torch.stack(mean))
    products = [(vectors[i] * vectors[j]).sum(1) for i in range(6) for j in range(i)]
    top = network.top(torch.cat([numbers, torch.stack(products, 1)], 1))
    torch.testing.assert_close(network(*inputs), network.head(top))


def test_towers_and_the_stack_are_tapped() -> None:
    neumf = build_model("neumf_4", **_NEUMF)
    ids = (torch.tensor([[1, 2], [3, 4]]),)
    assert default_taps(neumf, ids) == ("tower.relu1", "tower.relu2", "tower.relu3")
    dlrm = build_model("dlrm_4", **_DLRM)
    inputs = random_inputs(input_specs(dlrm) or (), 2)
    taps = default_taps(dlrm, inputs)
    assert taps == ("bottom.relu1", "bottom.relu2", "stack", "top.relu1", "top.relu2")
    assert tap_shapes(dlrm, taps, inputs)[2] == (2, 6, 4)


@pytest.mark.parametrize(("arch", "given"), [("neumf_4", _NEUMF), ("dlrm_4", _DLRM)])
def test_checkpoints_bring_them_back(arch: str, given: dict[str, int], tmp_path: Path) -> None:
    network = build_model(arch, **given).eval()
    width = given["in_channels"]
    checkpoint = checkpoint_of(
        network,
        arch=arch,
        arch_args=given,
        preprocessing=Preprocessing((0.0,) * width, (1.0,) * width, (1, 1), width),
        classes=(),
        metrics={},
        provenance={},
    )
    save_checkpoint(tmp_path / "a.pt", checkpoint)
    again = restore_model(load_checkpoint(tmp_path / "a.pt"))
    inputs = random_inputs(input_specs(network) or (), 5)
    assert torch.equal(again(*inputs), network(*inputs))


def test_padding_says_nothing() -> None:
    network = build_model("dlrm_4", **_DLRM)
    for name, weight in network.named_parameters():
        if name.startswith(("tables", "words")):
            assert not weight[0].any()
            assert weight[1:].any()


def test_what_the_data_lacks_is_named() -> None:
    assert {"neumf", "neumf_small", "dlrm", "dlrm_small"} <= set(list_archs())
    images = {"num_classes": 10, "in_channels": 3}
    with pytest.raises(UserInputError, match="give --data ratings:DIR"):
        build_model("neumf", **images)
    with pytest.raises(UserInputError, match=r"give --data ratings:DIR\+features"):
        build_model("dlrm", **_NEUMF)
    with pytest.raises(UserInputError, match=r"ratings without \+features"):
        build_model("neumf", **_DLRM)
    with pytest.raises(UserInputError, match="token_seq column"):
        build_model("dlrm", **{**_NEUMF, "dense": 2})


@pytest.mark.parametrize("arch", ["wrn_16_2", "movie_cnn", "resnet18"])
def test_other_networks_say_that_they_read_no_ids(arch: str) -> None:
    with pytest.raises(UserInputError, match="does not read users and items; use neumf"):
        build_model(arch, **_NEUMF)


def test_a_name_alone_has_no_tables_to_inspect() -> None:
    with pytest.raises(UserInputError, match="users and items size its tables"):
        inspect_model(arch="neumf_4")

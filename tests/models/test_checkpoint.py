from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.errors import CorruptFileError, UserInputError
from edgeprune.models.checkpoint import (
    FORMAT,
    Checkpoint,
    checkpoint_of,
    load_checkpoint,
    restore_model,
    save_checkpoint,
)
from edgeprune.models.registry import build_model

_GREY_8X8 = Preprocessing(mean=(0.3,), std=(0.4,), image_size=(8, 8), channels=1)
_ARGS = {"num_classes": 3, "in_channels": 1}


def _described(model: nn.Module, arch: str = "wrn_10_1", **fields: object) -> Checkpoint:
    known = {"arch_args": _ARGS, "preprocessing": _GREY_8X8, "classes": ("a", "b", "c")}
    return checkpoint_of(model, arch=arch, **{**known, **fields})  # type: ignore[arg-type]


def _with_statistics(model: nn.Module) -> nn.Module:
    for key, value in model.state_dict().items():
        if value.is_floating_point():
            value.uniform_(0.1, 1.0) if "var" in key else value.normal_(0.1, 0.3)
    return model.eval()


def _keep(model: nn.Module, path: str, axis: int, index: Tensor) -> None:
    """Slice the tensors and widths of one layer, as surgery does."""
    module = model.get_submodule(path)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if tensor.dim() > axis and (axis == 0 or name == "weight"):
            kept = tensor.detach().index_select(axis, index)
            new = nn.Parameter(kept) if isinstance(tensor, nn.Parameter) else kept
            setattr(module, name, new)
    widths = {"Conv2d": ("out_channels", "in_channels"), "BatchNorm2d": ("num_features",) * 2}
    setattr(module, widths[type(module).__name__][axis], len(index))


def _narrow_inner_widths(model: nn.Module, keep: dict[str, list[int]]) -> None:
    """Remove channels between the two convolutions of residual blocks."""
    for block, kept in keep.items():
        index = torch.tensor(sorted(kept))
        _keep(model, f"{block}.conv1", 0, index)
        _keep(model, f"{block}.bn2", 0, index)
        _keep(model, f"{block}.conv2", 1, index)


_KEEP = st.fixed_dictionaries(
    {
        f"block{stage}.layer.0": st.lists(
            st.integers(0, 16 * 2 ** (stage - 1) - 1), min_size=1, unique=True
        )
        for stage in (1, 2, 3)
    }
)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(keep=_KEEP, seed=st.integers(0, 2**31))
def test_a_narrowed_network_comes_back_identical(
    tmp_path: Path, keep: dict[str, list[int]], seed: int
) -> None:
    torch.manual_seed(seed)
    model = _with_statistics(build_model("wrn_10_1", **_ARGS))
    _narrow_inner_widths(model, keep)
    images = torch.randn(2, 1, 8, 8)
    save_checkpoint(tmp_path / "student.pt", _described(model))
    loaded = load_checkpoint(tmp_path / "student.pt")
    back = restore_model(loaded)
    assert torch.equal(back(images), model(images))
    assert back.get_submodule("block2.layer.0.conv1").out_channels == len(keep["block2.layer.0"])
    original, restored = model.state_dict(), back.state_dict()
    assert list(original) == list(restored)
    assert all(torch.equal(original[key], restored[key]) for key in original)
    assert all(parameter.requires_grad for parameter in back.parameters())


@pytest.mark.parametrize("arch", ["resnet20", "cifar_vgg11_bn", "cifar_mobilenet_v2"])
def test_every_family_of_the_zoo_round_trips(tmp_path: Path, arch: str) -> None:
    model = _with_statistics(build_model(arch, **_ARGS))
    save_checkpoint(tmp_path / "m.pt", _described(model, arch))
    back = restore_model(load_checkpoint(tmp_path / "m.pt"))
    images = torch.randn(2, 1, 8, 8)
    assert torch.equal(back(images), model(images))


@pytest.mark.parametrize("arch", ["swin_t", "squeezenet1_1", "googlenet"])
def test_torchvision_networks_round_trip(tmp_path: Path, arch: str) -> None:
    model = build_model(arch, **_ARGS).eval()
    rgb = Preprocessing(mean=(0.5,), std=(0.5,), image_size=(64, 64), channels=1)
    save_checkpoint(tmp_path / "m.pt", _described(model, arch, preprocessing=rgb))
    back = restore_model(load_checkpoint(tmp_path / "m.pt"))
    images = torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        assert torch.equal(back(images), model(images))


def test_the_file_is_a_plain_dict_with_the_published_keys(tmp_path: Path) -> None:
    model = build_model("wrn_10_1", **_ARGS)
    path = tmp_path / "m.pt"
    save_checkpoint(path, _described(model, metrics={"top1": 1.5}, provenance={"seed": 3}))
    content = torch.load(path, weights_only=True)
    assert content["format"] == FORMAT
    assert set(content) == {
        *("format", "arch", "arch_args", "attributes", "state_dict"),
        *("preprocessing", "classes", "metrics", "provenance"),
    }
    assert content["attributes"]["conv1"]["out_channels"] == 16
    loaded = load_checkpoint(path)
    assert (loaded.metrics, loaded.provenance) == ({"top1": 1.5}, {"seed": 3})
    assert loaded.preprocessing == _GREY_8X8
    assert loaded.classes == ("a", "b", "c")


def test_a_checkpoint_is_a_copy(tmp_path: Path) -> None:
    model = build_model("wrn_10_1", **_ARGS)
    before = model.get_parameter("fc.weight").detach().clone()
    checkpoint = _described(model)
    model.get_parameter("fc.weight").data.zero_()
    assert torch.equal(checkpoint.state_dict["fc.weight"], before)
    path = tmp_path / "m.pt"
    save_checkpoint(path, checkpoint)
    loaded = load_checkpoint(path)
    path.write_bytes(b"\0" * path.stat().st_size)
    assert torch.equal(loaded.state_dict["fc.weight"], before)


def test_parameters_are_told_from_statistics() -> None:
    model = build_model("wrn_10_1", **_ARGS)
    named = _described(model).parameters()
    assert sum(map(Tensor.numel, named.values())) == sum(p.numel() for p in model.parameters())
    assert "bn1.running_mean" not in named


def test_half_precision_files_become_networks_of_the_usual_precision(tmp_path: Path) -> None:
    model = build_model("wrn_10_1", **_ARGS).half()
    save_checkpoint(tmp_path / "m.pt", _described(model))
    back = restore_model(load_checkpoint(tmp_path / "m.pt"))
    assert {parameter.dtype for parameter in back.parameters()} == {torch.float32}


class _Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Linear(6, 4, bias=False)
        self.decode = nn.Linear(6, 4, bias=False)
        self.decode.weight = self.encode.weight

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = nn.functional.linear(self.encode(x), self.decode.weight.t())
        return out


def test_a_users_own_network_needs_its_factory_and_keeps_shared_weights(tmp_path: Path) -> None:
    model = _Tied()
    model.encode.weight = model.decode.weight = nn.Parameter(torch.randn(2, 6))
    model.encode.out_features = model.decode.out_features = 2
    path = tmp_path / "own.pt"
    save_checkpoint(path, checkpoint_of(model, arch="pkg.nets:tied"))
    assert path.stat().st_size < 4000
    with pytest.raises(UserInputError, match="--model pkg"):
        restore_model(load_checkpoint(path))
    back = restore_model(load_checkpoint(path), _Tied)
    assert back.get_parameter("encode.weight") is back.get_parameter("decode.weight")
    assert torch.equal(back(torch.ones(1, 6)), model(torch.ones(1, 6)))


def test_fields_that_could_not_be_read_back_are_not_written(tmp_path: Path) -> None:
    checkpoint = _described(build_model("wrn_10_1", **_ARGS))
    with pytest.raises(ValueError, match="metrics"):
        save_checkpoint(
            tmp_path / "m.pt", dataclasses.replace(checkpoint, metrics={"x": torch.ones(1)})
        )
    assert not list(tmp_path.iterdir())


def test_another_kind_of_file_is_told_apart(tmp_path: Path) -> None:
    torch.save({"fc.weight": torch.ones(2, 2)}, tmp_path / "bare.pt")
    with pytest.raises(UserInputError, match="--arch"):
        load_checkpoint(tmp_path / "bare.pt")
    torch.save({"format": "edgeprune-checkpoint-9"}, tmp_path / "later.pt")
    with pytest.raises(CorruptFileError, match="checkpoint-9"):
        load_checkpoint(tmp_path / "later.pt")
    with pytest.raises(UserInputError, match="no such file"):
        load_checkpoint(tmp_path / "absent.pt")

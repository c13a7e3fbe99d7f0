"""Default taps of the networks people use, taps found in unknown ones, and recording them."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgeprune.distill import TapRecorder, default_taps, tap_shapes
from edgeprune.errors import UserInputError
from edgeprune.models.registry import build_model

IMAGES = torch.zeros(1, 3, 32, 32)


def _taps(arch: str, size: int = 32) -> tuple[str, ...]:
    return default_taps(build_model(arch, num_classes=10), torch.zeros(1, 3, size, size))


def test_wrn_is_tapped_after_the_next_blocks_norm() -> None:
    assert _taps("wrn_16_2") == (
        "block1.layer.1.relu1",
        "block2.layer.0.relu1",
        "block2.layer.1.relu1",
        "block3.layer.0.relu1",
        "block3.layer.1.relu1",
        "relu",
    )
    assert len(_taps("wrn_40_2")) == 18


@pytest.mark.parametrize(
    ("arch", "size", "expected"),
    [
        ("resnet20", 32, [f"layer{i}.{j}" for i in (1, 2, 3) for j in range(3)]),
        ("resnet18", 32, [f"layer{i}.{j}" for i in (1, 2, 3) for j in range(2)]),
        ("resnet18", 64, [f"layer{i}.{j}" for i in (1, 2, 3, 4) for j in range(2)]),
        ("mobilenet_v2", 64, [f"features.{i}" for i in range(1, 18)]),
        ("vgg11_bn", 32, ["features.2", "features.6", "features.13", "features.20", "features.27"]),
        (
            "densenet121",
            64,
            [*(f"features.transition{i}.relu" for i in (1, 2, 3)), "features.norm5"],
        ),
    ],
)
def test_known_architectures(arch: str, size: int, expected: list[str]) -> None:
    assert list(_taps(arch, size)) == expected


def test_zoo_vgg_is_tapped_at_the_last_activation_before_each_pool() -> None:
    model = build_model("cifar_vgg16_bn", num_classes=10)
    taps = default_taps(model, IMAGES)
    modules = dict(model.named_modules())
    assert all(isinstance(modules[path], nn.ReLU) for path in taps)
    sizes = [shape[2] for shape in tap_shapes(model, taps, IMAGES)]
    assert sizes == sorted(set(sizes), reverse=True)
    order = [m for m in modules.values() if isinstance(m, (nn.ReLU, nn.MaxPool2d))]
    for path in taps[:-1]:
        assert isinstance(order[order.index(modules[path]) + 1], nn.MaxPool2d)


def test_zoo_mobilenet_is_tapped_at_each_inverted_residual() -> None:
    model = build_model("cifar_mobilenet_v2", num_classes=10)
    taps = default_taps(model, IMAGES)
    assert len(taps) == 17
    assert len({type(model.get_submodule(path)) for path in taps}) == 1


class PreActivation(nn.Module):
    """A pre-activation block by names and order of its own, with a functional last activation."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm2d(4)
        self.rectify = nn.SiLU()
        self.mix = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(self.rectify(self.normalise(x))) + x


class Functional(nn.Module):
    """Modules for convolutions only, everything else functional."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 6, 3, padding=1)
        self.fc = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.first(x)), 2)
        return self.fc(F.relu(self.second(x)).mean((2, 3)))


class Transformer(nn.Module):
    """Stacks of (B, positions, C)."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True) for _ in range(2))
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x.flatten(2).transpose(1, 2)[:, :6].repeat(1, 1, 3)[..., :8]).mean(1)


def test_unknown_networks() -> None:
    stem, head = nn.Conv2d(3, 4, 1), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    pre = nn.Sequential(stem, PreActivation(), PreActivation(), nn.BatchNorm2d(4), nn.ReLU(), head)
    assert default_taps(pre, IMAGES) == ("2.rectify", "4")
    assert default_taps(Functional(), IMAGES) == ("first", "second")
    assert default_taps(Transformer(), IMAGES) == ("blocks.0", "blocks.1")
    mlp = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1))
    assert default_taps(mlp, torch.zeros(1, 4)) == ("1", "3")
    squashed = nn.Sequential(*mlp, nn.Sigmoid())
    assert default_taps(squashed, (torch.zeros(1, 4),)) == ("1", "3")


def test_channels_last_maps_are_not_taken_for_channels_first() -> None:
    with pytest.raises(UserInputError, match=r"nothing to tap in SwinTransformer.*--set"):
        _taps("swin_t")


@pytest.mark.parametrize(
    ("network", "inputs"),
    [
        (nn.Linear(4, 2), torch.zeros(1, 4)),
        (nn.Sequential(nn.Conv2d(3, 2, 32), nn.ReLU(), nn.Flatten()), IMAGES),
    ],
)
def test_says_what_to_do_when_there_is_nothing_to_tap(network: nn.Module, inputs: Tensor) -> None:
    with pytest.raises(UserInputError, match="--set teacher_taps="):
        default_taps(network, inputs)


def test_finding_taps_changes_nothing() -> None:
    model = build_model("wrn_10_1", num_classes=10).train()
    model.block1.eval()
    modes = [module.training for module in model.modules()]
    before = copy.deepcopy(model.state_dict())
    images = torch.randn(2, 3, 16, 16)
    tap_shapes(model, default_taps(model, images), images)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_records_what_the_network_uses() -> None:
    model = build_model("wrn_10_1", num_classes=10)
    images = torch.randn(2, 3, 16, 16)
    recorder = TapRecorder(model, default_taps(model, images))
    with recorder:
        logits = model(images)
    final = recorder.features[-1]
    torch.testing.assert_close(model.fc(final.mean((2, 3))), logits)
    assert torch.autograd.grad(logits.sum(), final)[0].any()
    seen = len(recorder.features)
    model(images)  # not entered: nothing is recorded
    assert recorder.features[-1] is final
    assert seen == 3


def test_records_the_tensor_an_in_place_activation_rewrites() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True))
    recorder = TapRecorder(model, ["0"])
    with recorder:
        model(torch.randn(2, 3, 4, 4))
    assert (recorder.features[0] >= 0).all()


def test_follows_surgery_by_path() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    recorder = TapRecorder(model, ["1"])
    model[0], model[1] = nn.Conv2d(3, 2, 1), nn.ReLU()
    with recorder:
        model(IMAGES)
    assert recorder.features[0].shape == (1, 2, 32, 32)


def test_records_nothing_without_paths() -> None:
    model = nn.Sequential(nn.ReLU())
    with TapRecorder(model, ()) as recorder:
        model(IMAGES)
    assert recorder.features == []


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["0", "0"], "named twice"),
        (["00"], r"'00' is not a module of the network: did you mean '0'\?"),
        (["nowhere"], "edgeprune inspect"),
    ],
)
def test_recorder_refuses_wrong_paths(paths: list[str], message: str) -> None:
    with pytest.raises(UserInputError, match=message):
        TapRecorder(nn.Sequential(nn.ReLU(), nn.ReLU()), paths)


class Unused(nn.Module):
    """One module that never runs and one whose output is a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.idle = nn.ReLU()
        self.rnn = nn.GRU(3, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(x)[0]


@pytest.mark.parametrize(("path", "message"), [("idle", "does not run"), ("rnn", "gives tuple")])
def test_refuses_taps_without_a_tensor(path: str, message: str) -> None:
    with pytest.raises(UserInputError, match=message):
        tap_shapes(Unused(), [path], torch.zeros(2, 5, 3))


def test_refuses_a_map_of_one_position() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1))
    with pytest.raises(UserInputError, match=r"tap '1' has a single position \(1, 1\).*image_size"):
        tap_shapes(model, ["0", "1"], IMAGES)

"""INT8 on a network's own layers: attached, trained, and gone without a trace."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from edgeprune.distill.taps import TapRecorder, default_taps
from edgeprune.errors import UserInputError
from edgeprune.models.layer_roles import layer_roles
from edgeprune.models.registry import build_model
from edgeprune.train.calibrate import first_scales
from edgeprune.train.distributed import World
from edgeprune.train.fake_layers import FakeLayers, fake_copy
from edgeprune.train.fake_quantise import SMALLEST_SCALE, fake_input, fake_weight
from edgeprune.train.precision import Precision

_ALONE = World(0, 1, torch.device("cpu"))
_FP32 = Precision("cpu", "fp32")


class _Every(nn.Module):
    """One layer of each kind that can be quantised."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, groups=1)
        self.up = nn.ConvTranspose2d(8, 6, 2, stride=2)
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.up(torch.relu(self.conv(x)), output_size=[16, 16]))
        y: Tensor = self.fc(x.mean((2, 3)))
        return y


_SCALES = {"conv": 0.02, "up": 0.01, "fc": 0.005}


def _by_hand(model: _Every, x: Tensor) -> Tensor:
    scales = {name: torch.tensor(value) for name, value in _SCALES.items()}
    conv, up, fc = model.conv, model.up, model.fc
    x = torch.conv2d(fake_input(x, scales["conv"]), fake_weight(conv.weight, 0), conv.bias,
                     padding=1)  # fmt: skip
    x = torch.conv_transpose2d(fake_input(torch.relu(x), scales["up"]), fake_weight(up.weight, 1),
                               up.bias, stride=2)  # fmt: skip
    x = fake_input(torch.relu(x).mean((2, 3)), scales["fc"])
    return nn.functional.linear(x, fake_weight(fc.weight, 0), fc.bias)


def test_layers_compute_on_quantised_inputs_and_weights() -> None:
    model, x = _Every(), torch.randn(4, 3, 8, 8)
    plain = model(x)
    fake = FakeLayers(_SCALES)
    fake.attach(model)
    found = model(x)
    assert torch.equal(found, _by_hand(model, x))
    assert not torch.equal(found, plain)
    assert fake.input_scales() == pytest.approx(_SCALES)


def test_names_types_and_state_are_untouched_and_detaching_leaves_nothing() -> None:
    model = build_model("wrn_10_1", num_classes=3, in_channels=1).eval()
    x = torch.randn(2, 1, 8, 8)
    twin = copy.deepcopy(model)
    taps = default_taps(model, (x,))
    fake = FakeLayers(dict.fromkeys(layer_roles(model, (x,)).inner, 0.05))
    fake.attach(model)
    recorder = TapRecorder(model, taps)
    with recorder:
        model(x)
    assert len(recorder.features) == len(taps)
    assert [type(m) for m in model.modules()] == [type(m) for m in twin.modules()]
    assert list(model.state_dict()) == list(twin.state_dict())
    fake.detach()
    assert torch.equal(model(x), twin(x))
    for module, other in zip(model.modules(), twin.modules(), strict=True):
        assert vars(module).keys() == vars(other).keys()
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_weights_and_scales_learn_through_the_attachment() -> None:
    torch.manual_seed(0)
    model, x = _Every(), torch.randn(4, 3, 8, 8)
    fake = FakeLayers(_SCALES)
    fake.attach(model)
    model(x).square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert all(scale.grad is not None and scale.grad != 0 for scale in fake.scales)


def test_a_failed_forward_leaves_the_parameters_in_place() -> None:
    model = _Every()
    FakeLayers(_SCALES).attach(model)
    with pytest.raises(RuntimeError):
        model(torch.randn(1, 4, 8, 8))
    assert model.conv.weight is model.conv._parameters["weight"]


def test_a_copy_is_quantised_and_the_network_is_not() -> None:
    model, x = _Every(), torch.randn(2, 3, 8, 8)
    plain = model(x)
    assert torch.equal(fake_copy(model, _SCALES)(x), _by_hand(model, x))
    assert torch.equal(model(x), plain)


def test_scales_stay_positive() -> None:
    fake = FakeLayers({"conv": 0.5, "fc": 0.25})
    with torch.no_grad():
        fake.scales[0].fill_(-3.0)
    fake.keep_positive()
    assert fake.input_scales() == {"conv": SMALLEST_SCALE, "fc": 0.25}


def test_a_path_of_no_layer_is_refused() -> None:
    with pytest.raises(UserInputError, match="'nowhere'"):
        FakeLayers({"nowhere": 1.0}).attach(_Every())


def test_bfloat16_autocast_keeps_scales_in_float32() -> None:
    model, x = _Every(), torch.randn(4, 3, 8, 8)
    fake = FakeLayers(_SCALES)
    fake.attach(model)
    with torch.autocast("cpu", torch.bfloat16):
        found = model(x)
    found.float().sum().backward()
    assert found.dtype == torch.bfloat16
    assert all(scale.grad.dtype == torch.float32 for scale in fake.scales)
    assert torch.allclose(found.float(), _by_hand(model, x), atol=0.05, rtol=0.05)


def test_first_scales_reach_the_largest_input_of_a_batch_on_average() -> None:
    model = _Every().train()
    batches = [(torch.randn(4, 3, 8, 8),) for _ in range(3)]
    scales = first_scales(model, ("conv", "fc"), batches, _ALONE, _FP32)
    peaks = [batch[0].abs().max().item() for batch in batches]
    assert scales["conv"] == pytest.approx(sum(peaks) / 3 / 127)
    assert scales["fc"] > 0
    assert model.training
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_layer_that_reads_only_zeros_gets_a_scale_all_the_same() -> None:
    scales = first_scales(_Every(), ("conv",), [(torch.zeros(2, 3, 8, 8),)], _ALONE, _FP32)
    assert scales == {"conv": SMALLEST_SCALE}

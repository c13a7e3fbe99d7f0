from __future__ import annotations

import pytest
import torch
from torch import nn

from edgeprune.errors import UserInputError
from edgeprune.models.registry import build_model, list_archs, native_image_size
from edgeprune.models.skeleton import build_skeleton

_ONE_OF_EACH_FAMILY = (
    *("alexnet", "convnext_tiny", "deeplabv3_mobilenet_v3_large", "densenet121", "efficientnet_b0"),
    *("efficientnet_v2_s", "fcn_resnet50", "googlenet", "inception_v3", "maxvit_t", "mnasnet0_5"),
    *("mobilenet_v2", "mobilenet_v3_small", "regnet_y_400mf", "resnet18", "resnext50_32x4d"),
    *("shufflenet_v2_x0_5", "squeezenet1_1", "swin_t", "swin_v2_t", "vgg11_bn", "vit_b_32"),
)
_ZOO = ("wrn_10_1", "resnet20", "cifar_vgg11_bn", "cifar_mobilenet_v2")


@pytest.mark.parametrize(
    ("arch", "params"),
    [
        ("wrn_40_2", 2_255_156),
        ("wrn_16_2", 703_284),
        ("wrn_16_1", 180_916),
        ("resnet20", 278_324),
    ],
)
def test_published_parameter_counts(arch: str, params: int) -> None:
    model = build_model(arch, num_classes=100)
    assert sum(parameter.numel() for parameter in model.parameters()) == params


@pytest.mark.parametrize("arch", _ZOO)
@pytest.mark.parametrize(("channels", "side"), [(1, 8), (1, 28), (3, 32)])
def test_zoo_takes_grey_and_small_images(arch: str, channels: int, side: int) -> None:
    model = build_model(arch, num_classes=7, in_channels=channels).eval()
    with torch.no_grad():
        logits = model(torch.randn(2, channels, side, side))
    assert logits.shape == (2, 7)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("arch", ["wrn_16_1", "resnet20", "cifar_vgg16_bn"])
def test_last_map_of_tiny_images_has_more_than_one_position(arch: str) -> None:
    model = build_model(arch, num_classes=7, in_channels=1).eval()
    sizes = []
    hooked = [module for module in model.modules() if isinstance(module, nn.ReLU)]
    for module in hooked:
        module.register_forward_hook(lambda _m, _i, out: sizes.append(out.shape[-2:].numel()))
    with torch.no_grad():
        model(torch.randn(1, 1, 8, 8))
    assert min(sizes) == 4


@pytest.mark.parametrize("arch", _ZOO)
def test_every_activation_is_a_module_of_its_own_used_once(arch: str) -> None:
    model = build_model(arch, num_classes=7).eval()
    calls: dict[str, int] = {}
    for path, module in model.named_modules():
        if isinstance(module, (nn.ReLU, nn.ReLU6)):
            assert not module.inplace
            calls[path] = 0
            module.register_forward_hook(
                lambda _m, _i, _o, path=path: calls.update({path: calls[path] + 1})
            )
    with torch.no_grad():
        model(torch.randn(1, 3, 16, 16))
    assert calls
    assert set(calls.values()) == {1}


@pytest.mark.parametrize("arch", [*_ZOO, *_ONE_OF_EACH_FAMILY])
def test_a_listed_name_builds_with_the_asked_input_and_output(arch: str) -> None:
    assert arch in list_archs()
    model = build_skeleton(arch, num_classes=7, in_channels=1)
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    assert first.in_channels == 1
    assert native_image_size(arch) in (32, 224, 299)
    assert any(7 in parameter.shape for parameter in model.parameters())


@pytest.mark.parametrize("arch", [*_ZOO, *_ONE_OF_EACH_FAMILY])
def test_a_skeleton_lacks_nothing_but_what_a_state_dict_gives(arch: str) -> None:
    model = build_skeleton(arch, num_classes=7)
    assert all(parameter.is_meta for parameter in model.parameters())
    stored = model.state_dict()
    for name, buffer in model.named_buffers():
        assert name in stored or not buffer.is_meta


@pytest.mark.parametrize("arch", ["googlenet", "inception_v3"])
def test_auxiliary_heads_only_when_asked(arch: str) -> None:
    plain = build_skeleton(arch, num_classes=7)
    helped = build_skeleton(arch, num_classes=7, aux_logits=True)
    extra = set(helped.state_dict()) - set(plain.state_dict())
    assert extra
    assert all("aux" in key.lower() for key in extra)


@pytest.mark.parametrize(
    ("arch", "hint"),
    [("resnet_20", "resnet20"), ("wrn-16-2", "wrn_16_2"), ("no such thing", "--help")],
)
def test_an_unknown_name_is_answered_with_near_ones(arch: str, hint: str) -> None:
    with pytest.raises(UserInputError, match=hint):
        build_model(arch, num_classes=2)


@pytest.mark.parametrize(
    ("arch", "settings", "match"),
    [
        ("wrn_17_2", {}, "6n \\+ 4"),
        ("resnet20", {"width": 3}, "width"),
        ("resnet18", {"weights": "IMAGENET1K_V1"}, "weights"),
        ("resnet18", {"norm_layer": "x"}, "norm_layer"),
        ("fcn_resnet50", {"weights_backbone": "IMAGENET1K_V1"}, "weights_backbone"),
        ("resnet20", {"num_classes": 0}, "num_classes"),
        ("resnet20", {"in_channels": 10**12}, "in_channels"),
        ("resnet20", {"in_channels": True}, "in_channels"),
    ],
)
def test_unusable_settings_are_one_clear_line(
    arch: str, settings: dict[str, object], match: str
) -> None:
    with pytest.raises(UserInputError, match=match) as caught:
        build_model(arch, **{"num_classes": 5, **settings})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_public_initialisation_of_wide_resnets() -> None:
    torch.manual_seed(0)
    model = build_model("wrn_16_2", num_classes=10)
    conv = model.get_parameter("block3.layer.0.conv1.weight")
    fan_out = conv.shape[0] * 9
    assert conv.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.02)
    assert model.get_parameter("fc.bias").abs().max() == 0
    assert (model.get_parameter("bn1.weight") == 1).all()
    assert (model.get_parameter("bn1.bias") == 0).all()

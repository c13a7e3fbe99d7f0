"""torchvision's architectures with a block or two of each kind: all operators, a fifth of the time.

The exporter takes its seconds for every node, and networks of one kind repeat theirs.
"""

from __future__ import annotations

from functools import partial

from torch import nn
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.densenet import DenseNet
from torchvision.models.mobilenetv3 import InvertedResidualConfig, MobileNetV3
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.models.shufflenetv2 import ShuffleNetV2
from torchvision.models.swin_transformer import SwinTransformer

from edgeprune.models.registry import build_model

_CLASSES = 7


def convnext() -> nn.Module:
    """Two stages."""
    stages = [CNBlockConfig(24, 48, 1), CNBlockConfig(48, None, 1)]
    return ConvNeXt(stages, num_classes=_CLASSES)


def densenet() -> nn.Module:
    """Two blocks of two layers."""
    return DenseNet(8, (2, 2), 16, num_classes=_CLASSES)


def mobilenet_v3() -> nn.Module:
    """Its first block, and one of the later ones: squeezing, excitation, both activations."""
    block = partial(InvertedResidualConfig, dilation=1, width_mult=1.0)
    blocks = [block(16, 3, 16, 16, True, "RE", 2), block(16, 5, 48, 16, True, "HS", 1)]
    return MobileNetV3(blocks, 64, num_classes=_CLASSES)


def resnet() -> nn.Module:
    """A block of each width."""
    return ResNet(BasicBlock, [1, 1, 1, 1], num_classes=_CLASSES)


def shufflenet_v2() -> nn.Module:
    """A block that narrows and one that splits, of each width."""
    return ShuffleNetV2([2, 2, 2], [24, 16, 32, 64, 128], num_classes=_CLASSES)


def wrn() -> nn.Module:
    """Our own, with two blocks of each width."""
    return build_model("wrn_16_1", num_classes=_CLASSES)


def swin() -> nn.Module:
    """Two stages of two blocks, of which the second shifts its windows."""
    return SwinTransformer([4, 4], 24, [2, 2], [2, 2], [7, 7], num_classes=_CLASSES)

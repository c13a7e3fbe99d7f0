"""The models that both tools are given, and what is looked at afterwards."""

from __future__ import annotations

import resource
import warnings
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from edgeprune.models.registry import build_model, list_archs, native_image_size
from edgeprune.models.summary import count_macs, count_params

RATIO = 0.5
ROUND_TO = 8
_CLASSES = 1000
_BACKBONE = "backbone:"


def torchvision_names() -> tuple[str, ...]:
    """Classification models of torchvision, then its segmentation models."""
    models = torchvision.models
    return (*models.list_models(models), *models.list_models(models.segmentation))


def detection_names() -> tuple[str, ...]:
    """The backbones of torchvision's detectors, as `backbone:DETECTOR`."""
    detection = torchvision.models.detection
    return tuple(f"{_BACKBONE}{name}" for name in torchvision.models.list_models(detection))


def zoo_names() -> tuple[str, ...]:
    """The networks of our own registry."""
    return tuple(name for name in list_archs() if name not in torchvision_names())


def subject(name: str) -> tuple[nn.Module, Tensor]:
    """A model with fresh weights from seed 0, in training mode's parts too, and an example.

    GoogLeNet and Inception come with their auxiliary heads, segmentation models with theirs.
    """
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    if name.startswith(_BACKBONE):
        return _backbone(name.removeprefix(_BACKBONE))
    extra: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):
        extra = {"aux_logits": True}
    elif name in torchvision.models.list_models(torchvision.models.segmentation):
        extra = {"aux_loss": True}
    model = build_model(name, num_classes=_CLASSES if not extra else 21, **extra)
    _fill_zeros(model)
    side = native_image_size(name)
    return model.eval(), torch.randn(1, 3, side, side)


def _backbone(detector: str) -> tuple[nn.Module, Tensor]:
    build = getattr(torchvision.models.detection, detector)
    model: nn.Module = build(weights=None, weights_backbone=None).backbone
    side = 300 if detector.startswith("ssd300") else 320
    return model.eval(), torch.randn(1, 3, side, side)


def _fill_zeros(model: nn.Module) -> None:
    """Vision transformers start with a head of zeros, whose output tells nothing of the network."""
    for parameter in model.parameters():
        if parameter.dim() > 1 and not parameter.any():
            nn.init.normal_(parameter, std=0.02)


def size(model: nn.Module, example: Tensor) -> dict[str, int]:
    """Parameters and MACs, counted by the same code for both tools."""
    return {"params": count_params(model), "macs": count_macs(model, (example,))}


def fault(model: nn.Module, example: Tensor) -> str:
    """Why the model does not work any more; empty where it does.

    Runs it in evaluation and in training mode, and backward through every output.
    """
    small = torch.cat([example, example])
    try:
        with torch.no_grad():
            model.eval()(example)
        outputs = _tensors(model.train()(small))
        sum(out.float().square().mean() for out in outputs).backward()  # type: ignore[union-attr]
    except Exception as failure:  # whatever a broken network raises
        return (str(failure).splitlines() or [type(failure).__name__])[0][:160]
    return ""


def peak_memory_mib() -> float:
    """The most this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _tensors(output: Any) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    values = output.values() if isinstance(output, dict) else output
    return [tensor for value in values if value is not None for tensor in _tensors(value)]

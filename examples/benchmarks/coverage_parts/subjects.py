"""The models that both tools are given, and what is looked at afterwards."""

from __future__ import annotations

import resource
import warnings
from typing import Any

import torch
import torchvision
from numpy.typing import NDArray
from torch import Tensor, nn

from edgeprune.models.registry import build_model, list_zoo_images, native_image_size
from edgeprune.models.summary import count_macs, count_params

RATIO = 0.5
ROUND_TO = 8
_CLASSES = 1000
_FEW_CLASSES = 21
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
    """Our own networks for images; those for films and ratings take other inputs."""
    return list_zoo_images()


def is_registered(name: str) -> bool:
    """Whether a checkpoint may name it, so that nobody has to bring the network's code."""
    return not name.startswith(_BACKBONE)


def arch_of(name: str) -> tuple[str, dict[str, Any]]:
    """What a checkpoint says of the architecture.

    GoogLeNet and Inception come with their auxiliary heads, segmentation models with those they
    have.
    """
    if not is_registered(name):
        return name, {}
    if name in ("googlenet", "inception_v3"):
        return name, {"num_classes": _FEW_CLASSES, "aux_logits": True}
    if name in torchvision.models.list_models(torchvision.models.segmentation):
        has_auxiliary = not name.startswith("lraspp")
        return name, {"num_classes": _FEW_CLASSES} | ({"aux_loss": True} if has_auxiliary else {})
    return name, {"num_classes": _CLASSES}


def subject(name: str) -> tuple[nn.Module, Tensor]:
    """A model with fresh weights from seed 0, and an example."""
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    if not is_registered(name):
        return _backbone(name.removeprefix(_BACKBONE))
    arch, arch_args = arch_of(name)
    model = build_model(arch, **arch_args)
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


def arrays_of(output: Any) -> list[NDArray[Any]]:
    """The tensors of an output, in order."""
    return [tensor.numpy() for tensor in _tensors(output)]


def peak_memory_mib() -> float:
    """The most this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _tensors(output: Any) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    values = output.values() if isinstance(output, dict) else output
    return [tensor for value in values if value is not None for tensor in _tensors(value)]

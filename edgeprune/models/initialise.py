"""Fresh weights of the zoo."""

from __future__ import annotations

from torch import nn


def start_at(model: nn.Module, value: float) -> None:
    """Have a network that predicts one value begin at `value`: the bias of its last linear layer.

    Without it the first epochs are spent on the mean of the targets, at gradients that large.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    if layers and layers[-1].out_features == 1 and layers[-1].bias is not None:
        nn.init.constant_(layers[-1].bias, value)


def initialise_he_fan_out(model: nn.Module) -> None:
    """Draw convolutions from the fan-out normal, set norms to identity and linear biases to zero.

    Source: He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv 1502.01852, section 2.2.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)

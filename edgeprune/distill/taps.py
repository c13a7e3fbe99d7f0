"""Taps: the activations that distillation compares, named by module path."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from functools import partial
from types import TracebackType

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from edgeprune.distill.auto_taps import find_taps
from edgeprune.distill.tap_shapes import REMEDY, check_shape
from edgeprune.distill.trace import trace_forward
from edgeprune.errors import UserInputError


def default_taps(model: nn.Module, example_inputs: Tensor | tuple[Tensor, ...]) -> tuple[str, ...]:
    """The activation that follows every block, as module paths in the order in which they run.

    WRN: `relu1` of the next block and the final `relu`. ResNets: the block. MobileNetV2: the
    inverted residual block. VGG: the ReLU before each pool. DenseNet: the transitions' ReLU and the
    last norm. Other networks are read from how they run (`auto_taps`). A map of one position is
    never chosen.

    Args:
        model: on the device of the inputs; its mode and state stay as they are.
        example_inputs: of at least one sample, at the image size of the training.

    Raises:
        UserInputError: nothing to tap was found.
    """
    taps = find_taps(trace_forward(model, _as_tuple(example_inputs)))
    if not taps:
        raise UserInputError(
            f"found nothing to tap in {type(model).__name__} at this input size: {REMEDY}"
        )
    return taps


def tap_shapes(
    model: nn.Module, paths: Sequence[str], example_inputs: Tensor | tuple[Tensor, ...]
) -> tuple[tuple[int, ...], ...]:
    """Shapes of the taps for `example_inputs`, batch first, as `AttentionHead` takes them.

    Raises:
        UserInputError: an unknown path, or a tap that distillation cannot use.
    """
    recorder = TapRecorder(model, paths)
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad(), recorder:
            model(*_as_tuple(example_inputs))
    finally:
        for module, training in modes:
            module.training = training
    shapes = tuple(tuple(feature.shape) for feature in recorder.features)
    for path, shape in zip(paths, shapes, strict=True):
        check_shape(shape, f"tap '{path}'")
    return shapes


class TapRecorder:
    """Records what the modules at `paths` put out while it is entered.

    Modules are looked up at every entry, so surgery in between is fine, and a
    DistributedDataParallel or DataParallel wrapper is looked through. The recorded tensors are the
    network's own: nothing is copied, gradients flow. A module that runs several times in one
    forward pass gives its last output.

    Example:
        >>> recorder = TapRecorder(model, default_taps(model, images))
        >>> with recorder:
        ...     logits = model(images)
        >>> features = recorder.features

    Raises:
        UserInputError: a path twice, or one that is not in the model.
    """

    def __init__(self, model: nn.Module, paths: Iterable[str]) -> None:
        self._model = model
        self.paths = tuple(paths)
        if len(set(self.paths)) != len(self.paths):
            raise UserInputError(f"a tap is named twice in {', '.join(self.paths)}: name it once")
        self._modules()
        self._features: dict[str, Tensor] = {}
        self._hooks: list[RemovableHandle] = []

    def __enter__(self) -> TapRecorder:
        """Forget the last features and start to record."""
        self._features = {}
        for path, module in zip(self.paths, self._modules(), strict=True):
            self._hooks.append(module.register_forward_hook(partial(self._record, path)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop recording; the features stay until the next entry."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    @property
    def features(self) -> list[Tensor]:
        """The taps of the last forward pass, in the order of `paths`.

        Raises:
            UserInputError: the forward pass did not run one of the modules.
        """
        missing = [path for path in self.paths if path not in self._features]
        if missing:
            raise UserInputError(f"tap '{missing[0]}' does not run in the forward pass: {REMEDY}")
        return [self._features[path] for path in self.paths]

    def _record(self, path: str, module: nn.Module, _inputs: object, output: object) -> None:
        if not isinstance(output, Tensor):
            raise UserInputError(
                f"tap '{path}' ({type(module).__name__}) gives {type(output).__name__}, "
                f"not one tensor: {REMEDY}"
            )
        self._features[path] = output

    def _modules(self) -> list[nn.Module]:
        root = self._model
        while isinstance(root, (nn.parallel.DistributedDataParallel, nn.DataParallel)):
            root = root.module
        known = dict(root.named_modules(remove_duplicate=False))
        return [known[path] if path in known else _unknown(path, known) for path in self.paths]


def _unknown(path: str, known: Iterable[str]) -> nn.Module:
    near = difflib.get_close_matches(path, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "see `edgeprune inspect` for the module paths"
    raise UserInputError(f"tap '{path}' is not a module of the network: {hint}")


def _as_tuple(inputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (inputs,) if isinstance(inputs, Tensor) else inputs

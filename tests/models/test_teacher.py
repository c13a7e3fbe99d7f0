from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edgeprune.errors import CorruptFileError, UserInputError
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.registry import build_model
from edgeprune.models.skeleton import build_skeleton
from edgeprune.models.state_dict import InputOutput, fill_from, read_sizes, unwrap_state_dict
from edgeprune.models.teacher import class_mapping, load_teacher

_CLASSES = ("ant", "bee", "cat")
_PIXELS = {"mean": (0.5,), "std": (0.25,)}
_SHARED = [
    folder / "models/wrn_40_2-tinyimagenet100.pt"
    for folder in (Path(__file__).parents[3] / "shared", Path("/work/shared"))
]


def _model() -> nn.Module:
    torch.manual_seed(0)
    return build_model("wrn_10_1", num_classes=3, in_channels=1).eval()


def _agrees(module: nn.Module, other: nn.Module) -> bool:
    images = torch.randn(4, 1, 16, 16)
    with torch.no_grad():
        return torch.allclose(module(images), other(images), atol=1e-5)


def _sidecar(path: Path, **values: Any) -> None:
    path.with_suffix(".json").write_text(json.dumps(values))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": state, "best_acc": torch.tensor(1.0)},
        lambda state: {"model_state": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {k: v for k, v in state.items() if "num_batches" not in k},
        lambda state: {key: nn.Parameter(v, v.is_floating_point()) for key, v in state.items()},
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_bare_weights_in_common_wrappers(tmp_path: Path, wrap: Any, zipped: bool) -> None:
    model, path = _model(), tmp_path / "public.pth"
    torch.save(wrap(model.state_dict()), path, _use_new_zipfile_serialization=zipped)
    _sidecar(path, mean=[0.5], std=[0.25], classes=_CLASSES, val_top1=56.4)
    loaded = load_teacher(path, arch="wrn_10_1")
    assert _agrees(loaded.module, model)
    assert loaded.arch_args == {"num_classes": 3, "in_channels": 1}
    assert (loaded.classes, loaded.metrics) == (_CLASSES, {"val_top1": 56.4})
    assert loaded.preprocessing is not None
    assert loaded.preprocessing.image_size == (32, 32)
    assert not loaded.module.training


def test_a_checkpoint_says_all_by_itself(tmp_path: Path) -> None:
    model, path = _model(), tmp_path / "teacher.pt"
    torch.save(model.state_dict(), path)
    first = load_teacher(path, arch="wrn_10_1", num_classes=3, image_size=(16, 16), **_PIXELS)
    args = {"num_classes": 3, "in_channels": 1}
    save_checkpoint(
        path,
        checkpoint_of(
            model,
            arch="wrn_10_1",
            arch_args=args,
            preprocessing=first.preprocessing,
            classes=_CLASSES,
        ),
    )
    loaded = load_teacher(path)
    assert _agrees(loaded.module, model)
    assert (loaded.preprocessing, loaded.classes) == (first.preprocessing, _CLASSES)
    assert loaded.source_kind == "checkpoint"
    with pytest.raises(UserInputError, match="leave out --arch"):
        load_teacher(path, arch="resnet20")


def test_a_users_own_network_by_its_factory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "own_nets.py").write_text(
        "from torch import nn\n"
        "def small(): return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))\n"
        "def broken(): raise RuntimeError('no\\nluck')\n"
        "def nothing(): return 3\n"
        "value = 3\n"
    )
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    path = tmp_path / "own.pt"
    torch.save(network.state_dict(), path)
    known: dict[str, Any] = {**_PIXELS, "image_size": (8, 8)}
    loaded = load_teacher(path, model="own_nets:small", num_classes=3, **known)
    images = torch.randn(2, 1, 8, 8)
    assert torch.equal(loaded.module(images), network(images))
    assert loaded.arch == "own_nets:small"
    for spec, match in [
        ("own_nets:broken", "failed: no$"),
        ("own_nets:nothing", "returned a int"),
        ("own_nets:value", "not a function"),
        ("own_nets:absent", "absent"),
        ("no_such_module:x", "no_such_module"),
        ("own_nets", "pkg.mod:factory"),
    ]:
        with pytest.raises(UserInputError, match=match):
            load_teacher(path, model=spec, **known)
    with pytest.raises(UserInputError, match="give one of them"):
        load_teacher(path, model="own_nets:small", arch="wrn_10_1", **known)
    with pytest.raises(UserInputError, match="image_size"):
        load_teacher(path, model="own_nets:small", **_PIXELS)


def _export(model: nn.Module, path: Path, *, fixed: bool = False) -> None:
    batch = torch.export.Dim.DYNAMIC
    program = torch.export.export(
        model,
        (torch.randn(2, 1, 16, 16),),
        dynamic_shapes=None if fixed else ({0: batch},),
    )
    torch.export.save(program, path.with_suffix(".pt2"))
    path.with_suffix(".pt2").rename(path)


def test_an_exported_program_needs_trust_and_keeps_its_taps(tmp_path: Path) -> None:
    model, path = _model(), tmp_path / "renamed.pt"
    _export(model, path)
    _sidecar(path, mean=[0.5], std=[0.25], classes=_CLASSES, image_size=16)
    with pytest.raises(UserInputError, match="--trust-pickle"):
        load_teacher(path)
    loaded = load_teacher(path, trust_pickle=True)
    assert loaded.source_kind == "exported"
    assert _agrees(loaded.module.eval(), model)
    seen: list[Tensor] = []
    tap = loaded.module.get_submodule("block2.layer.0.relu1")
    tap.register_forward_hook(lambda _m, _i, out: seen.append(out))
    loaded.module(torch.randn(4, 1, 16, 16))
    assert seen[0].shape == (4, 16, 16, 16)


@pytest.mark.parametrize(
    ("training", "fixed", "match"),
    [(True, False, "training mode"), (False, True, "batches of 2 only")],
)
def test_an_exported_program_that_cannot_teach(
    tmp_path: Path, training: bool, fixed: bool, match: str
) -> None:
    _export(_model().train(training), tmp_path / "t.pt2", fixed=fixed)
    with pytest.raises(UserInputError, match=match):
        load_teacher(tmp_path / "t.pt2", trust_pickle=True, image_size=(16, 16), **_PIXELS)


def test_a_pickled_module_needs_trust(tmp_path: Path) -> None:
    model, path = _model(), tmp_path / "module.pt"
    torch.save(nn.DataParallel(model), path)
    known: dict[str, Any] = {**_PIXELS, "image_size": (16, 16)}
    with pytest.raises(UserInputError, match=r"DataParallel.*--trust-pickle"):
        load_teacher(path, **known)
    loaded = load_teacher(path, trust_pickle=True, **known)
    assert _agrees(loaded.module, model)
    assert loaded.source_kind == "pickled"


def test_trust_does_not_change_how_plain_weights_load(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(_model().state_dict(), path)
    loaded = load_teacher(path, arch="wrn_10_1", trust_pickle=True, **_PIXELS)
    assert loaded.source_kind == "state_dict"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "--arch"),
        ({"arch": "wrn_10_1"}, "--mean and --std"),
        ({"arch": "wrn_10_1", "mean": (0.5,)}, "belong together"),
        ({"arch": "wrn_16_1", **_PIXELS}, "missing entries"),
        ({"arch": "no_net", **_PIXELS}, "unknown architecture"),
        ({"arch": "wrn_10_1", "num_classes": 10, **_PIXELS}, "3 outputs, the data 10"),
        ({"arch": "wrn_10_1", "in_channels": 3, **_PIXELS}, "images of 1 channel"),
        ({"arch": "wrn_10_1", "mean": (0.5,) * 3, "std": (0.2,) * 3}, "3 means"),
        ({"arch": "wrn_10_1", "mean": (0.5,), "std": (0.0,)}, "above zero"),
        ({"arch": "wrn_10_1", "image_size": (0, 5), **_PIXELS}, "impossible size"),
    ],
)
def test_what_is_missing_or_wrong_is_one_clear_line(
    tmp_path: Path, options: dict[str, Any], match: str
) -> None:
    path = tmp_path / "bare.pt"
    torch.save(_model().state_dict(), path)
    with pytest.raises(UserInputError, match=match) as caught:
        load_teacher(path, **options)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value) or "--mean" in str(caught.value)


def test_bare_weights_of_a_pruned_network_are_not_guessed_at(tmp_path: Path) -> None:
    state = dict(_model().state_dict())
    state["block1.layer.0.bn2.weight"] = torch.ones(5)
    torch.save(state, tmp_path / "bare.pt")
    with pytest.raises(UserInputError, match=r"bn2.weight is \(5,\).*its own checkpoint"):
        load_teacher(tmp_path / "bare.pt", arch="wrn_10_1", **_PIXELS)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "JSON"),
        ("[1]", "object"),
        ('{"mean": "x", "std": [1]}', "mean"),
        ('{"mean": [NaN], "std": [1]}', "finite"),
        ('{"mean": [0.5], "std": [1], "classes": ["a", "b"]}', "names 2 classes"),
        ('{"mean": [0.5], "std": [1], "classes": ["a", "b", "b"]}', "twice"),
        ('{"mean": [0.5], "std": [1], "image_size": [8, 8, 8]}', "height and width"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_an_unusable_sidecar_is_named(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "bare.pt"
    torch.save(_model().state_dict(), path)
    path.with_suffix(".json").write_text(text)
    with pytest.raises(UserInputError, match=match):
        load_teacher(path, arch="wrn_10_1")


def test_a_network_too_deep_for_its_images_says_so(tmp_path: Path) -> None:
    path = tmp_path / "bare.pt"
    torch.save(build_model("squeezenet1_1", num_classes=3, in_channels=1).state_dict(), path)
    with pytest.raises(UserInputError, match="cannot take 1x8x8 images"):
        load_teacher(path, arch="squeezenet1_1", image_size=(8, 8), **_PIXELS)


def test_torchscript_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "script.pt"
    torch.jit.script(nn.Linear(2, 2)).save(str(path))
    with pytest.raises(UserInputError, match="TorchScript"):
        load_teacher(path, trust_pickle=True)


def test_auxiliary_heads_and_old_densenet_names_are_understood() -> None:
    heads = build_skeleton("googlenet", num_classes=3, aux_logits=True).state_dict()
    sizes = read_sizes("googlenet", heads)
    assert sizes == InputOutput(num_classes=3, in_channels=3)
    module = fill_from("googlenet", sizes, heads)
    assert not any(name.startswith("aux") for name, _ in module.named_parameters())
    dense = build_skeleton("densenet121", num_classes=3).state_dict()
    old = {
        key.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): value
        for key, value in dense.items()
    }
    assert old.keys() != dense.keys()
    assert unwrap_state_dict(old).keys() == dense.keys()


def test_classes_are_matched_by_name() -> None:
    assert class_mapping(_CLASSES, ("cat", "ant")).tolist() == [2, 0]
    with pytest.raises(UserInputError, match=r"first 'bees' \(near: 'bee'\)"):
        class_mapping(_CLASSES, ("ant", "bees"))
    with pytest.raises(UserInputError, match="not unique"):
        class_mapping(("a", "a"), ("a",))


@pytest.mark.shared_data
def test_the_shared_public_teacher_loads() -> None:
    path = next((path for path in _SHARED if path.exists()), None)
    if path is None:
        pytest.skip("the shared teacher wrn_40_2-tinyimagenet100.pt is not on this machine")
    loaded = load_teacher(path, arch="wrn_40_2", num_classes=100, in_channels=3)
    assert loaded.classes is not None
    assert len(loaded.classes) == 100
    assert loaded.metrics["val_top1"] == 56.38
    assert sum(parameter.numel() for parameter in loaded.module.parameters()) == 2_255_156


def test_a_damaged_record_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(_model().state_dict(), path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match="checksum"):
        load_teacher(path, arch="wrn_10_1", **_PIXELS)

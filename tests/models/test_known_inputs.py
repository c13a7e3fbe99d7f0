"""Networks are refused data with other ids, numbers or words than they were trained on."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from interactions import interaction_rows, write_ratings

from edgeprune.data import load_data
from edgeprune.errors import UserInputError
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.known_inputs import require_known_inputs
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.models.loaded import LoadedModel
from edgeprune.models.registry import build_model


def test_other_inputs_are_named(tmp_path: Path) -> None:
    folder = write_ratings(tmp_path, interaction_rows())
    pairs, whole = (load_data(f"ratings:{folder}{words}", seed=0) for words in ("", "+features"))
    neumf, dlrm = (
        LoadedModel(build_model(arch, **data.arch_args), arch, source="t.pt")
        for arch, data in (("neumf_4", pairs), ("dlrm_4", whole))
    )
    require_known_inputs(neumf, pairs)
    require_known_inputs(dlrm, whole)
    with pytest.raises(UserInputError, match=re.escape("tables have (61, 41) rows")):
        require_known_inputs(neumf, whole)
    items, users = folder / "small.item", folder / "small.user"
    items.write_text(items.read_text().replace("Drama", "Drama Noir"))
    with pytest.raises(UserInputError) as told:
        require_known_inputs(dlrm, load_data(f"ratings:{folder}+features", seed=0))
    assert "t.pt: takes 4 ids of up to 61 rows, 3 dense, 2 bag of up to 5 rows; " in str(told.value)
    assert "the data gives 4 ids of up to 61 rows, 3 dense, 3 bag of up to 6" in str(told.value)
    items.unlink()
    heights = [line.split("\t") for line in users.read_text().splitlines()]
    users.write_text("".join(f"{cells[0]}\t{cells[3]}\n" for cells in heights))
    with pytest.raises(UserInputError, match="takes 2 ids of up to 61 rows; the data gives 2 ids"):
        require_known_inputs(neumf, load_data(f"ratings:{folder}+features", seed=0))
    images = load_data("digits", seed=0)
    with pytest.raises(UserInputError, match="takes ids of users and items"):
        require_known_inputs(neumf, images)


@pytest.mark.parametrize("words", ["", ":rating"])
def test_other_ids_of_the_same_number_are_refused(tmp_path: Path, words: str) -> None:
    rows = interaction_rows()
    others = [(user, f"other {item}", *rest) for user, item, *rest in rows]
    folders = [
        write_ratings(tmp_path / name, given, features=False)
        for name, given in (("own", rows), ("other", others))
    ]
    own, other = (load_data(f"ratings:{folder}{words}", seed=0) for folder in folders)
    module = build_model("neumf_4", **own.arch_args)
    trained = LoadedModel(module, "neumf_4", inputs_digest=own.inputs_digest)
    require_known_inputs(trained, own)
    with pytest.raises(UserInputError, match="other users, items or columns"):
        require_known_inputs(trained, other)
    require_known_inputs(replace(trained, inputs_digest=None), other)  # of an earlier file


def test_what_a_network_was_trained_on_is_kept_in_its_file(tmp_path: Path) -> None:
    folder = write_ratings(tmp_path, interaction_rows())
    data = load_data(f"ratings:{folder}+features", seed=0)
    module = build_model("dlrm_4", **data.arch_args)
    held = checkpoint_of(
        module, arch="dlrm_4", arch_args=data.arch_args, inputs_digest=data.inputs_digest
    )
    save_checkpoint(tmp_path / "t.pt", held)
    loaded = load_model(tmp_path / "t.pt", ModelOptions())
    assert loaded.inputs_digest == data.inputs_digest is not None
    ages = folder / "small.user"
    ages.write_text(ages.read_text().replace("\t20\t", "\t30\t"))
    with pytest.raises(UserInputError, match="other users, items or columns"):
        require_known_inputs(loaded, load_data(f"ratings:{folder}+features", seed=0))

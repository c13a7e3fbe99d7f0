"""Networks are refused data with other ids, numbers or words than they were trained on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from interactions import interaction_rows, write_ratings

from edgeprune.data import load_data
from edgeprune.errors import UserInputError
from edgeprune.methods.table_rows import require_rows
from edgeprune.models.registry import build_model


def test_other_inputs_are_named(tmp_path: Path) -> None:
    folder = write_ratings(tmp_path, interaction_rows())
    pairs, whole = (load_data(f"ratings:{folder}{words}", seed=0) for words in ("", "+features"))
    neumf, dlrm = (
        build_model(arch, **data.arch_args)
        for arch, data in (("neumf_4", pairs), ("dlrm_4", whole))
    )
    require_rows(neumf, pairs, "t.pt")
    require_rows(dlrm, whole, "t.pt")
    with pytest.raises(UserInputError, match=re.escape("tables have (61, 41) rows")):
        require_rows(neumf, whole, "t.pt")
    items, users = folder / "small.item", folder / "small.user"
    items.write_text(items.read_text().replace("Drama", "Drama Noir"))
    with pytest.raises(UserInputError) as told:
        require_rows(dlrm, load_data(f"ratings:{folder}+features", seed=0), "t.pt")
    assert "t.pt: takes 4 ids of up to 61 rows, 3 dense, 2 bag of up to 5 rows; " in str(told.value)
    assert "the data gives 4 ids of up to 61 rows, 3 dense, 3 bag of up to 6" in str(told.value)
    items.unlink()
    heights = [line.split("\t") for line in users.read_text().splitlines()]
    users.write_text("".join(f"{cells[0]}\t{cells[3]}\n" for cells in heights))
    with pytest.raises(UserInputError, match="takes 2 ids of up to 61 rows; the data gives 2 ids"):
        require_rows(neumf, load_data(f"ratings:{folder}+features", seed=0), "t.pt")
    images = load_data("digits", seed=0)
    with pytest.raises(UserInputError, match="takes ids of users and items"):
        require_rows(neumf, images, "t.pt")

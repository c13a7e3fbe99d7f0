"""From atomic files to splits that a network can take."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path

import pytest
import torch
from interactions import INTER, interaction_rows, write_ratings

from edgeprune.data import load_data
from edgeprune.data.ratings import RatingsEncoder
from edgeprune.data.ratings.atomic_files import read_tables
from edgeprune.data.ratings.interactions import interactions_of
from edgeprune.data.ratings.negatives import NegativeSampler
from edgeprune.data.ratings.split import leave_last_out, leave_tail_out
from edgeprune.errors import CorruptFileError, UserInputError


def test_every_users_last_interactions_are_held_out(tmp_path: Path) -> None:
    folder = write_ratings(tmp_path, interaction_rows())
    interactions = interactions_of(read_tables(folder), ratings=False)
    parts = leave_last_out(interactions)
    assert [len(parts.train), len(parts.val), len(parts.test)] == [480, 60, 60]
    last = {user: item for user, item, _, time in interaction_rows() if time == "1090"}
    before = {user: item for user, item, _, time in interaction_rows() if time == "1080"}
    for places, expected in ((parts.test, last), (parts.val, before)):
        found = {
            interactions.users.tokens[interactions.user[p] - 1]:
                interactions.items.tokens[interactions.item[p] - 1]
            for p in places
        }  # fmt: skip
        assert found == expected


def test_the_order_of_rows_decides_nothing_where_times_agree(tmp_path: Path) -> None:
    rows = [(user, item, rating, "7") for user, item, rating, _ in interaction_rows()]
    one = load_data(f"ratings:{write_ratings(tmp_path / 'a', rows)}", seed=0)
    other = load_data(f"ratings:{write_ratings(tmp_path / 'b', rows[::-1])}", seed=0)
    for split in ("val", "test"):
        first, second = (
            torch.cat([batch.targets for batch in data.batches(split, batch_size=64)])  # type: ignore[arg-type]
            for data in (one, other)
        )
        assert torch.equal(first, second)


def test_few_interactions_train_and_are_counted(tmp_path: Path) -> None:
    rows = [*interaction_rows(), ("short", "i1", "3", "5"), ("short", "i2", "3", "6")]
    data = load_data(f"ratings:{write_ratings(tmp_path, rows)}", seed=0)
    assert data.size("test") == 60
    assert len(data.notes) == 1
    assert "1 of 61 users have fewer than 3 interactions" in data.notes[0]
    assert data.size("train") == 5 * 482
    with pytest.raises(UserInputError, match="no user has 3 interactions"):
        load_data(f"ratings:{write_ratings(tmp_path / 'few', rows[-2:])}", seed=0)


def test_ratings_are_split_in_time(tmp_path: Path) -> None:
    folder = write_ratings(tmp_path, interaction_rows(each=20))
    data = load_data(f"ratings:{folder}:rating", seed=0)
    assert (data.task, data.num_outputs) == ("regression", 1)
    assert [data.size(split) for split in ("train", "val", "test")] == [960, 120, 120]  # type: ignore[arg-type]
    (batch,) = data.batches("test", batch_size=1000)
    assert batch.inputs[0].dtype == torch.int64
    assert batch.targets.dtype == torch.float32
    late = sorted(float(r) for _, _, r, time in interaction_rows(each=20) if int(time) >= 1180)
    assert sorted(batch.targets.tolist()) == late
    parts = leave_tail_out(interactions_of(read_tables(folder), ratings=True))
    assert not set(parts.train) & (set(parts.val) | set(parts.test))


def test_negatives_are_new_every_epoch_and_never_positives(tmp_path: Path) -> None:
    rows = interaction_rows()
    data = load_data(f"ratings:{write_ratings(tmp_path, rows)}", seed=0)
    taken = {
        tuple(row) for batch in data.batches("train", batch_size=64)
        for row in batch.inputs[0].tolist()
    }  # fmt: skip
    epochs = []
    for epoch, seed in ((0, 3), (0, 3), (1, 3)):
        batches = list(data.train_batches(epoch=epoch, batch_size=100, seed=seed))
        epochs.append(torch.cat([batch.inputs[0] for batch in batches]))
        targets = torch.cat([batch.targets for batch in batches])
        assert targets.mean() == pytest.approx(0.2)
        positives = {tuple(row) for row in epochs[-1][targets == 1].tolist()}
        negatives = {tuple(row) for row in epochs[-1][targets == 0].tolist()}
        assert positives == taken
        assert not negatives & taken
        assert epochs[-1][:, 1].min() >= 1
    assert torch.equal(epochs[0], epochs[1])
    assert not torch.equal(epochs[0], epochs[2])


def test_ranks_share_a_batch_between_processes(tmp_path: Path) -> None:
    data = load_data(f"ratings:{write_ratings(tmp_path, interaction_rows())}", seed=0)
    whole = next(iter(data.train_batches(epoch=0, batch_size=100, seed=0)))
    parts = [
        next(iter(data.train_batches(epoch=0, batch_size=100, seed=0, rank=rank, world_size=2)))
        for rank in (0, 1)
    ]
    assert torch.equal(torch.cat([part.inputs[0] for part in parts]), whole.inputs[0])


def test_a_ranking_has_all_items_but_those_that_the_user_has(tmp_path: Path) -> None:
    rows = interaction_rows()
    data = load_data(f"ratings:{write_ratings(tmp_path, rows)}", seed=0)
    counts: Counter[str] = Counter()
    for split, already in (("val", 8), ("test", 9)):
        for batch in data.batches(split, batch_size=7):  # type: ignore[arg-type]
            assert batch.candidates is not None
            assert len(batch.inputs[0]) == 40 * len(batch)
            assert (batch.candidates.barred.sum(1) == already).all()
            held = batch.candidates.barred.gather(1, batch.candidates.held[:, None])
            assert not held.any()
            place = torch.arange(len(batch)) * 40 + batch.candidates.held
            assert torch.equal(batch.inputs[0][place, 1], batch.targets)
            counts[split] += len(batch)
    assert counts == {"val": 60, "test": 60}
    assert data.test_reads == 1


def test_held_out_positives_are_spread_with_negatives(tmp_path: Path) -> None:
    data = load_data(f"ratings:{write_ratings(tmp_path, interaction_rows())}", seed=0)
    (lists,) = data.batches("val", batch_size=64)
    users = lists.inputs[0][::40, 0].tolist()
    held = set(zip(users, lists.targets.tolist(), strict=True))
    trained = {
        tuple(row) for batch in data.batches("train", batch_size=64)
        for row in batch.inputs[0].tolist()
    }  # fmt: skip
    found = []
    for _ in range(2):
        batches = list(data.spread_batches("val", 100, batch_size=64))
        assert [len(batch) for batch in batches] == [64, 36]
        pairs = torch.cat([batch.inputs[0] for batch in batches])
        targets = torch.cat([batch.targets for batch in batches])
        assert targets.mean() == pytest.approx(0.2)
        assert {tuple(row) for row in pairs[targets == 1].tolist()} <= held
        assert len(pairs[targets == 1].unique(dim=0)) == 20
        assert not {tuple(row) for row in pairs[targets == 0].tolist()} & trained
        found.append(pairs)
    assert torch.equal(*found)
    assert sum(len(batch) for batch in data.spread_batches("val", 9999, batch_size=256)) == 300


def test_features_are_fields_numbers_and_a_bag(tmp_path: Path) -> None:
    rows = [*interaction_rows(), ("new", "i1", "3", "5"), ("new", "i2", "3", "6")]
    folder = write_ratings(tmp_path, rows)
    data = load_data(f"ratings:{folder}+features", seed=0)
    ids, dense, bag = data.example_inputs(6)
    # Postcodes and titles name their rows; ages, years and genres do not.
    assert data.arch_args["rows"] == [62, 41, 4, 5]
    assert (ids.shape, dense.shape, bag.shape) == ((6, 4), (6, 3), (6, 2))
    assert (dense.dtype, bag.dtype) == (torch.float32, torch.int64)
    assert data.arch_args["bag_rows"] == 5
    encoder = _kept(data.attachments["vocabulary.json"], tmp_path)
    found = encoder.encode(["new", "u3"], ["i1", "i2"])
    assert found[0][0, 2] == 0  # nothing is said of the new user's age
    assert found[0][1, 2] == 1
    assert (found[2] > 0).sum(1).tolist() == [2, 1]


def test_what_is_unknown_is_no_part_of_a_number(tmp_path: Path) -> None:
    folder = write_ratings(tmp_path, interaction_rows())
    described = folder / "small.user"
    lines = described.read_text().splitlines()
    described.write_text("\n".join(lines[:22]) + "\n")  # 21 of 60 users, each height thrice
    data = load_data(f"ratings:{folder}+features", seed=0)
    encoder = _kept(data.attachments["vocabulary.json"], tmp_path)
    (height,) = (number.values for number in encoder.numbers if number.name == "height")
    known = encoder.users.encode([line.split("\t")[0] for line in lines[1:22]])
    assert height[known].mean() == pytest.approx(0, abs=1e-6)
    assert height[known].std() == pytest.approx(1)
    height[known] = 0
    assert not height.any()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("u7\t30\t1\t170", r"small\.user, line 62: user_id 'u7' stands in line 9 already"),
        ("\t30\t1\t170", r"small\.user, line 62: its user_id is empty"),
    ],
)
def test_a_user_is_described_once(tmp_path: Path, row: str, told: str) -> None:
    folder = write_ratings(tmp_path, interaction_rows())
    with (folder / "small.user").open("a") as described:
        described.write(row + "\n")
    with pytest.raises(UserInputError, match=told):
        load_data(f"ratings:{folder}", seed=0)


def test_counts_are_of_training_interactions(tmp_path: Path) -> None:
    rows = interaction_rows()
    had = {(user, item) for user, item, _, _ in rows}
    moved = [
        (user, next(f"i{n}" for n in range(40) if (user, f"i{n}") not in had), rating, time)
        if time == "1090" else (user, item, rating, time)
        for user, item, rating, time in rows
    ]  # fmt: skip
    assert moved != rows
    one, other = (
        load_data(f"ratings:{write_ratings(tmp_path / name, given)}+features", seed=0)
        for name, given in (("a", rows), ("b", moved))
    )
    assert one.attachments == other.attachments


def _kept(text: str, folder: Path) -> RatingsEncoder:
    path = folder / "vocabulary.json"
    path.write_text(text, encoding="utf-8")
    return RatingsEncoder.load(path)


def test_the_vocabulary_travels_and_unknown_ids_are_named(tmp_path: Path) -> None:
    data = load_data(f"ratings:{write_ratings(tmp_path, interaction_rows())}", seed=0)
    encoder = _kept(data.attachments["vocabulary.json"], tmp_path)
    (ids,) = encoder.encode(["u0", "u10"], ["i3", "i39"])
    known = [encoder.users.tokens[ids[1, 0] - 1], encoder.items.tokens[ids[1, 1] - 1]]
    assert known == ["u10", "i39"]
    with pytest.raises(UserInputError, match=r"item_id 'i99' \(row 2\) is unknown.*train again"):
        encoder.encode(["u0", "u1"], ["i3", "i99"])
    with pytest.raises(UserInputError, match="user_id 'nobody'"):
        encoder.encode(["nobody"], ["i3"])
    (tmp_path / "vocabulary.json").write_text("{}")
    with pytest.raises(CorruptFileError, match="no vocabulary"):
        RatingsEncoder.load(tmp_path / "vocabulary.json")


def test_a_wheel_is_read_as_it_is(tmp_path: Path) -> None:
    folder = write_ratings(tmp_path, interaction_rows())
    wheel = tmp_path / "recbole-1.2.1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"recbole/dataset_example/small/{file.name}")
    one, other = (load_data(f"ratings:{path}", seed=0) for path in (folder, wheel))
    assert one.attachments == other.attachments
    assert other.size("test") == 60
    wheel.write_bytes(b"PK")
    with pytest.raises(CorruptFileError, match="not a whole zip"):
        load_data(f"ratings:{wheel}", seed=0)


@pytest.mark.parametrize(
    ("row", "header", "told"),
    [
        (("u1", "i1", "nan", "5"), INTER, r"line 602: its rating is 'nan'; leave"),
        (("u1", "i1", "99", "5"), INTER, r"rating is 99, out of the range from 0 to 10"),
        (("u1", "i1", "good", "5"), INTER, r"its rating is 'good', not a number"),
        (("u1", "i1", "3", "soon"), INTER, r"its timestamp is 'soon', not a number"),
        (("u1", "i1", "3"), INTER, r"line 602: 3 cells, the header has 4 columns"),
        (("", "i1", "3", "5"), INTER, r"line 602: its user_id is empty"),
        (("u1", "i1", "3", "5"), INTER.replace("timestamp", "when"), r"no column 'timestamp'"),
        (("u1", "i1", "3", "5"), INTER.replace("rating:float", "stars:float"), r"no column 'rati"),
        (("u1", "i1", "3", "5"), INTER.replace(":float", ""), r"header's 'rating' is no new NAME"),
        (interaction_rows()[0], INTER, r"line 602: user_id 'u0'.* stand in line 2 already"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: tuple[str, ...], header: str, told: str) -> None:
    rows = [*interaction_rows(), row]
    folder = write_ratings(tmp_path, rows, header=header)  # type: ignore[arg-type]
    with pytest.raises(UserInputError, match=told):
        load_data(f"ratings:{folder}:rating", seed=0)


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="no such folder"):
        load_data(f"ratings:{tmp_path / 'nothing'}", seed=0)
    with pytest.raises(UserInputError, match=r"needs one NAME\.inter file, has none"):
        load_data(f"ratings:{tmp_path}", seed=0)
    folder = write_ratings(tmp_path, interaction_rows())
    inter = folder / "small.inter"
    (folder / "other.inter").write_bytes(inter.read_bytes())
    with pytest.raises(UserInputError, match=r"has 2 of them \(other\.inter, small\.inter\)"):
        load_data(f"ratings:{folder}", seed=0)
    (folder / "other.inter").unlink()
    for content, told in (
        (b"", r"small\.inter: empty"),
        (INTER.encode() + b"\n", "has a header and no rows"),
        (INTER.encode() + b"\nu\xff\ti\t3\t5\n", r"not UTF-8 \(byte 58\)"),
    ):
        inter.write_bytes(content)
        with pytest.raises(UserInputError, match=told):
            load_data(f"ratings:{folder}", seed=0)


def test_a_user_who_has_everything_is_refused() -> None:
    user, item = torch.tensor([1, 1, 2]), torch.tensor([1, 2, 1])
    sampler = NegativeSampler(user, item, 3)
    drawn = sampler.draw(torch.tensor([1] * 50), torch.Generator().manual_seed(0))
    assert set(drawn.tolist()) == {3}
    with pytest.raises(UserInputError, match="has interacted with all 2 items"):
        NegativeSampler(user, item, 2)


@pytest.mark.parametrize("spec", ["", ":x", "DIR:sorting", "DIR:ranking@0", "DIR:rating@5"])
def test_a_wrong_spec_is_told_what_to_write(spec: str) -> None:
    with pytest.raises(UserInputError):
        load_data(f"ratings:{spec}", seed=0)


def test_options_that_do_not_apply_are_refused(tmp_path: Path) -> None:
    folder = write_ratings(tmp_path, interaction_rows())
    with pytest.raises(UserInputError, match="train_limit does not apply"):
        load_data(f"ratings:{folder}", seed=0, train_limit=5)
    with pytest.raises(UserInputError, match="ratings have no images"):
        load_data(f"ratings:{folder}", seed=0, image_size=8)


def test_a_list_must_leave_items_out(tmp_path: Path) -> None:
    folder = write_ratings(tmp_path, interaction_rows())
    items = len({row[1] for row in interaction_rows()})
    assert load_data(f"ratings:{folder}:ranking@{items - 1}", seed=0).top_k == items - 1
    with pytest.raises(UserInputError, match=f"a list of {items} holds all {items} items"):
        load_data(f"ratings:{folder}:ranking@{items}", seed=0)


def test_a_specification_must_be_whole_and_name_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="--data ratings: incomplete; give"):
        load_data("ratings:", seed=0)
    folder = write_ratings(tmp_path, interaction_rows())
    with pytest.raises(UserInputError, match="a file, not a folder; give the folder"):
        load_data(f"ratings:{folder / 'small.inter'}", seed=0)

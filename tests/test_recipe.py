from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.errors import CorruptFileError, UserInputError
from edgeprune.recipe import METHODS, PRESETS, load_recipe, parse_assignments, resolve_recipe


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_resolves_for_every_method(method: str, preset: str) -> None:
    recipe = resolve_recipe(method, preset, {"data": "digits"})
    assert recipe.method == method
    assert recipe.target_params is not None


def test_paper_preset_holds_table_2() -> None:
    recipe = resolve_recipe("sp_sad", "paper", {"data": "digits"})
    assert (recipe.epochs, recipe.rate, recipe.every) == (160, 0.1, 20)
    assert (recipe.alpha, recipe.beta, recipe.tau) == (0.9, 100, 4)
    assert recipe.milestones == (60, 120)
    assert (recipe.lr, recipe.batch_size, recipe.schedule) == (0.05, 64, "additive")


@pytest.mark.parametrize("method", ["lth_sad", "ss_sad"])
@pytest.mark.parametrize("epochs", [2, 3, 5, 15, 40])
def test_quick_searches_at_most_as_long_as_it_trains(method: str, epochs: int) -> None:
    recipe = resolve_recipe(method, "quick", {"data": "digits", "epochs": epochs})
    assert 1 <= recipe.rounds * recipe.every <= epochs


def test_a_target_of_the_user_replaces_the_presets() -> None:
    recipe = resolve_recipe("sp_sad", "quick", {"data": "digits", "target_macs": 0.5})
    assert (recipe.target_params, recipe.target_macs) == (None, 0.5)


def test_milestones_stretch_with_epochs_unless_given() -> None:
    stretched = resolve_recipe("sp_sad", "paper", {"data": "digits", "epochs": 80})
    assert (stretched.milestones, stretched.every) == ((30, 60), 10)
    given_by_user = resolve_recipe(
        "sp_sad", "paper", {"data": "digits", "epochs": 80, "milestones": [5]}
    )
    assert given_by_user.milestones == (5,)


def test_yaml_round_trip(tmp_path: Path) -> None:
    recipe = resolve_recipe("lth_sad", "sound", {"data": "digits", "seed": 7})
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe.to_yaml())
    assert load_recipe(path) == recipe


@pytest.mark.parametrize(
    ("settings_given", "words"),
    [
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"epochs": 0}, "setting 'epochs'"),
        ({"rate": 1.5}, "setting 'rate'"),
        ({"importance": "magic"}, "setting 'importance'"),
        ({"seed": -1}, "setting 'seed'"),
    ],
)
def test_a_wrong_setting_is_named(settings_given: dict[str, object], words: str) -> None:
    with pytest.raises(UserInputError, match=words):
        resolve_recipe("sp_sad", "quick", {"data": "digits", **settings_given})


@pytest.mark.parametrize("text", ["[1, 2", "just words", "method: nothing\n", "a: &a [*a]", "\x00"])
def test_a_foreign_recipe_file_is_one_clear_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(CorruptFileError) as caught:
        load_recipe(path)
    assert str(path) in str(caught.value)


def test_assignments_are_typed_and_checked() -> None:
    assert parse_assignments(("lr=0.2", "milestones=[3, 5]", "importance=l1")) == {
        "lr": 0.2,
        "milestones": [3, 5],
        "importance": "l1",
    }
    with pytest.raises(UserInputError, match="key=value"):
        parse_assignments(("lr",))
    with pytest.raises(UserInputError, match="unknown setting"):
        parse_assignments(("frobnicate=1",))


def test_yamls_base_60_does_not_hide_the_pattern(tmp_path: Path) -> None:
    assert parse_assignments(("granularity=2:4",)) == {"granularity": 124}  # YAML 1.1
    recipe = resolve_recipe("sp_sad", "quick", {"data": "digits", "granularity": 124})
    assert recipe.granularity == "2:4"
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe.to_yaml())
    assert load_recipe(path).granularity == "2:4"
    with pytest.raises(UserInputError, match="granularity"):
        resolve_recipe("sp_sad", "quick", {"data": "digits", "granularity": 184})


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_no_text_crashes_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "recipe.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(CorruptFileError):
        load_recipe(path)


def test_ratings_have_settings_of_their_own_that_the_user_overrides() -> None:
    plain = resolve_recipe("ss_sad", "paper", {"data": "digits"})
    ratings = resolve_recipe("ss_sad", "paper", {"data": "ratings:DIR", "batch_size": 64})
    assert (plain.optimizer, ratings.optimizer) == ("sgd", "adam")
    assert plain.search_lr is not None
    assert ratings.search_lr is None
    assert ratings.batch_size == 64
    assert ratings.epochs == plain.epochs

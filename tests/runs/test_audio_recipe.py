import dataclasses
import json

import pytest

import byol_keras as bk
from byol_keras.runs.audio_recipe import check_audio_training
from byol_keras.runs.build import build_views
from byol_keras.runs.recipe import RECIPES, recipe_kind

# Niizumi et al. 2021, section III and table I.
PAPER = {
    "frames": 96,
    "mixup": 0.4,
    "mixup_memory": 2048,
    "canvas": (1.0, 1.5),
    "frequency_scale": (0.6, 1.5),
    "time_scale": (0.6, 1.5),
}


def test_the_views_are_those_of_the_paper():
    recipe = bk.recipes.audio()
    assert {name: getattr(recipe, name) for name in PAPER} == PAPER
    views = build_views(recipe).get_config()
    assert {name: views[name] for name in PAPER} == PAPER
    assert (recipe.view_size, recipe.sample_rate) == ((64, 96), 0)


def test_what_each_training_has_is_in_both_kinds():
    names = [{field.name for field in dataclasses.fields(kind)} for kind in (bk.Recipe, bk.AudioRecipe)]
    assert {
        "backbone",
        "epochs",
        "batch_size",
        "optimizer",
        "learning_rate",
        "tau_base",
        "precision",
    } <= set.intersection(*names)
    assert "image_size" not in names[1]
    assert "frames" not in names[0]
    # The order in which they may be given without names.
    assert [field.name for field in dataclasses.fields(bk.Recipe)][:3] == ["backbone", "image_size", "epochs"]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_comes_back_from_json_as_the_kind_it_was(name):
    recipe = RECIPES[name]()
    fields = json.loads(json.dumps(dataclasses.asdict(recipe)))
    assert recipe_kind(fields).from_fields(fields) == recipe


@pytest.mark.parametrize(
    ("field", "value"), [("mixup", 1), ("frames", 0), ("canvas", (0.5, 1)), ("time_scale", (2, 1)), ("sample_rate", -1)]
)
def test_values_out_of_range_are_refused(field, value):
    with pytest.raises(bk.InputError, match=f"`{field}` must be"):
        dataclasses.replace(bk.recipes.audio(), **{field: value})


def test_what_views_of_recordings_cannot_be_made_with():
    check_audio_training(None, (), None)
    check_audio_training(None, (), 1)  # as a run's config.json says
    for given in (("mirrored", (), None), (None, ("host:1",), None), (None, (), 3)):
        with pytest.raises(bk.InputError, match="leave it out"):
            check_audio_training(*given)

"""Recipes: the presets' numbers, what a field may be, and recipes in files."""

import dataclasses
import json

import pytest

import byol_keras as bk
from byol_keras.runs.build import build_model, build_optimizer, build_views
from byol_keras.runs.recipe import RECIPES, Recipe, recipe_named
from byol_keras.runs.run_config import read_config

PAPER = {
    "precision": "auto",
    "hidden_width": 4096,
    "projection_width": 256,
    "coding_rate_weight": 0.0,
    "center_weight": 0.0,
    "reconstruction_weight": 0.0,
    "critic_weight": 0.0,
    "contrastive_temperature": 0.0,
    "crop_aspect": (3 / 4, 4 / 3),
    "flip": 0.5,
    "quarter_turn": 0.0,
    "jitter": 0.8,
    "brightness": 0.4,
    "contrast": 0.4,
    "saturation": 0.2,
    "hue": 0.1,
    "grayscale": 0.2,
    "blur_sigma": (0.1, 2.0),
    "view_1_blur": 1.0,
    "view_2_blur": 0.1,
    "view_1_solarize": 0.0,
    "view_2_solarize": 0.2,
}

PRESETS = {
    "short": ("resnet8x2", 32, 10, 64, "muon", 1e-2, 1e-4, 0.5, 0.97, 0.2),
    "demo": ("resnet8", 32, 12, 64, "adamw", 1e-3, 1e-4, 0.5, 0.95, 0.2),
    "imagenet_40": ("resnet50", 224, 40, 4096, "lars", 0.45, 1e-6, 10, 0.97, 0.08),
    "imagenet_100": ("resnet50", 224, 100, 4096, "lars", 0.45, 1e-6, 10, 0.99, 0.08),
    "imagenet_300": ("resnet50", 224, 300, 4096, "lars", 0.3, 1e-6, 10, 0.99, 0.08),
    "imagenet_1000": ("resnet50", 224, 1000, 4096, "lars", 0.2, 1.5e-6, 10, 0.996, 0.08),
    "imagenette": ("resnet18", 128, 1000, 256, "lars", 2.0, 1e-6, 10, 0.996, 0.08),
}
# What is not the paper's: for a small network and a short time.
OURS = {"hidden_width": 1024, "coding_rate_weight": 1.0, "view_1_blur": 0.0, "view_2_blur": 0.0}
FIRST = ("backbone", "image_size", "epochs", "batch_size", "optimizer", "learning_rate", "weight_decay")
FIRST += ("warmup_epochs", "tau_base", "crop_area")


@pytest.mark.parametrize(
    "name", [name for name in RECIPES if name != "audio"]
)  # which is of another kind: test_audio_recipe.py
def test_a_preset_is_what_it_was(name):
    ours = OURS if name == "short" else {}
    assert dataclasses.asdict(recipe_named(name)) == {**PAPER, **ours, **dict(zip(FIRST, PRESETS[name], strict=True))}


def test_a_term_beside_the_loss_is_in_the_model_where_the_recipe_has_one(make_run):
    run = make_run()
    for weight, count in ((0.0, 0), (0.5, 1)):
        recipe = dataclasses.replace(run.recipe, coding_rate_weight=weight)
        model = build_model(dataclasses.replace(run, recipe=recipe), "float32", 10, 5)
        terms = [layer for layer in model.projector.layers if isinstance(layer, bk.CodingRateTerm)]
        assert [term.weight for term in terms] == [weight] * count


def test_other_objectives_are_in_the_model_where_the_recipe_has_them(make_run):
    run = make_run()

    def built(**fields):
        recipe = dataclasses.replace(run.recipe, hidden_width=8, projection_width=4, **fields)
        return build_model(dataclasses.replace(run, recipe=recipe), "float32", 10, 5)

    plain = built()
    assert plain.view_loss is bk.losses.regression_loss
    assert plain.extra_losses == []
    weights = {"center_weight": 0.25, "reconstruction_weight": 1.5, "critic_weight": 0.75}
    model = built(**weights, contrastive_temperature=0.2)
    assert isinstance(model.view_loss, bk.objectives.NTXent)
    assert model.view_loss.temperature == 0.2
    kinds = [bk.objectives.CenterTerm, bk.objectives.ReconstructionTerm, bk.objectives.CriticTerm]
    assert [type(term) for term in model.extra_losses] == kinds
    assert [term.weight for term in model.extra_losses] == list(weights.values())
    assert [type(term) for term in built(critic_weight=1).extra_losses] == kinds[-1:]


def test_the_views_of_the_papers_recipe_are_the_papers():
    views = build_views(recipe_named("imagenet_1000"))
    assert (views.view_1, views.view_2) == (bk.VIEW_1, bk.VIEW_2)


def test_every_number_of_the_views_comes_from_its_field():
    changed = {
        "crop_area": 0.3,
        "crop_aspect": (0.9, 1.1),
        "flip": 0.01,
        "quarter_turn": 0.015,
        "jitter": 0.02,
        "brightness": 0.03,
        "contrast": 0.04,
        "saturation": 0.05,
        "hue": 0.06,
        "grayscale": 0.07,
        "blur_sigma": (0.5, 0.6),
    }
    each = {"view_1_blur": 0.11, "view_2_blur": 0.12, "view_1_solarize": 0.13, "view_2_solarize": 0.14}
    views = build_views(dataclasses.replace(bk.recipes.short(), **changed, **each))
    common = {**changed, "crop_area": (0.3, 1.0)}
    assert views.view_1 == {**common, "blur": 0.11, "solarize": 0.13}
    assert views.view_2 == {**common, "blur": 0.12, "solarize": 0.14}


def test_the_optimizer_is_the_recipes():
    lars = build_optimizer(bk.recipes.imagenette(), 100, 10)
    assert isinstance(lars, bk.LARS)
    assert lars.weight_decay == 1e-6
    muon = build_optimizer(dataclasses.replace(bk.recipes.imagenette(), optimizer="muon", precision="float16"), 100, 10)
    assert isinstance(muon, bk.Muon)
    assert (muon.weight_decay, muon.precision) == (1e-6, "float32")
    adamw = build_optimizer(dataclasses.replace(bk.recipes.imagenette(), optimizer="adamw", weight_decay=0.25), 100, 10)
    assert (type(adamw).__name__, adamw.weight_decay) == ("AdamW", 0.25)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("tau_base", 1.5, "from 0 to 1"),
        ("tau_base", "high", "from 0 to 1"),
        ("tau_base", float("nan"), "from 0 to 1"),
        ("tau_base", True, "from 0 to 1"),
        ("epochs", 0, "above 0 and at most 1000000"),
        ("epochs", "2", "above 0 and at most 1000000"),
        ("epochs", 1e19, "above 0 and at most 1000000"),
        ("hidden_width", 10**12, "a whole number from 1 to 1000000"),
        ("batch_size", True, "a whole number from 1"),
        ("learning_rate", 0, "above 0"),
        ("weight_decay", -1e-6, "0 or above"),
        ("warmup_epochs", -1, "0 or above"),
        ("optimizer", "sgd", "lars or adamw or muon"),
        ("precision", "int4", "auto or float32 or bfloat16 or float16"),
        ("backbone", 18, "a name"),
        ("crop_area", 0, "above 0 and at most 1"),
        ("critic_weight", -1, "0 or above"),
        ("contrastive_temperature", float("inf"), "0 or above"),
        ("hue", 0.6, "from 0 to 0.5"),
        ("view_2_blur", 1.1, "from 0 to 1"),
        ("blur_sigma", (2.0, 0.1), "two numbers above 0, the lower one first"),
        ("blur_sigma", (0.1,), "two numbers above 0, the lower one first"),
        ("crop_aspect", 0.75, "two numbers above 0, the lower one first"),
    ],
)
def test_a_value_out_of_range_names_its_field(field, value, words):
    with pytest.raises(bk.InputError) as raised:
        dataclasses.replace(bk.recipes.short(), **{field: value})
    assert str(raised.value) == f"`{field}` must be {words}. Received: {field}={value!r}"


def test_a_recipe_in_a_file_is_read_back(tmp_path):
    recipe = dataclasses.replace(bk.recipes.short(), blur_sigma=(0.2, 0.4), warmup_epochs=1)
    (tmp_path / "recipe.json").write_text(json.dumps(dataclasses.asdict(recipe)))
    config = read_config(tmp_path / "recipe.json")
    assert list(config) == ["recipe"]
    assert Recipe.from_fields(config["recipe"]) == recipe


def test_a_config_of_a_run_says_all_that_repeats_it(make_run):
    run = make_run()
    config = read_config(run.folder / "config.json")
    assert Recipe.from_fields(config.pop("recipe")) == run.recipe
    given = {"data": "photos", "seed": 5, "channels": 3, "exclude": [], "probe": None, "start_from": None}
    assert config == given | {"value_range": None}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[1]", "must hold an object with the fields of a recipe or a run"),
        ('{"recipe": "short"}', "The recipe of a run is an object"),
        ('{"recipe": {}, "seed": "0"}', "this cannot be the seed of a run. Received: '0'"),
        ('{"recipe": {}, "exclude": "a"}', "this cannot be the exclude of a run"),
        ('{"recipe": {}, "value_range": 5}', "this cannot be the value_range of a run"),
    ],
)
def test_a_file_that_is_no_config_is_one_line(text, said, tmp_path):
    with pytest.raises(bk.InputError, match="No such file"):
        read_config(tmp_path / "config.json")
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(bk.InputError) as raised:
        read_config(tmp_path / "config.json")
    assert said in str(raised.value)


def test_unknown_and_missing_fields_are_named():
    fields = dataclasses.asdict(bk.recipes.short())
    with pytest.raises(bk.InputError, match="A recipe has no field 'tau': did you mean 'tau_base'"):
        Recipe.from_fields({**fields, "tau": 0.9})
    with pytest.raises(bk.InputError, match="A recipe has no field 'qqq': its fields are backbone, image_size"):
        Recipe.from_fields({**fields, "qqq": 1})
    del fields["epochs"], fields["optimizer"]
    with pytest.raises(bk.InputError, match="A recipe needs a value for `epochs`, `optimizer`"):
        Recipe.from_fields(fields)


@pytest.mark.parametrize(("epochs", "steps"), [(3, 30), (2.5, 25), (0.26, 3), (0.001, 1)])
def test_the_updates_of_a_run(epochs, steps):
    assert dataclasses.replace(bk.recipes.short(), epochs=epochs).total_steps(10) == steps

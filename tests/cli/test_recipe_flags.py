"""Flags of a recipe, --config, and messages of the library in the words of the command line."""

import dataclasses
import json

import pytest

import byol_keras as bk
from byol_keras.cli.arguments import in_flags
from byol_keras.cli.main import main, parse
from byol_keras.cli.recipe_flags import settings
from byol_keras.runs.recipe import Recipe

CHANGED = {
    "backbone": "resnet10",
    "image_size": 48,
    "epochs": 7,
    "batch_size": 12,
    "optimizer": "lars",
    "learning_rate": 0.3,
    "weight_decay": 0.5,
    "warmup_epochs": 2.5,
    "tau_base": 0.5,
    "precision": "float32",
    "hidden_width": 24,
    "projection_width": 6,
    "coding_rate_weight": 0.5,
    "center_weight": 0.25,
    "reconstruction_weight": 1.5,
    "critic_weight": 0.75,
    "contrastive_temperature": 0.2,
    "crop_area": 0.4,
    "crop_aspect": (0.9, 1.2),
    "flip": 0.1,
    "quarter_turn": 0.12,
    "jitter": 0.2,
    "brightness": 0.3,
    "contrast": 0.35,
    "saturation": 0.45,
    "hue": 0.05,
    "grayscale": 0.6,
    "blur_sigma": (0.3, 0.7),
    "view_1_blur": 0.8,
    "view_2_blur": 0.9,
    "view_1_solarize": 0.15,
    "view_2_solarize": 0.25,
}


def flags(fields):
    given = []
    for name, value in fields.items():
        values = value if isinstance(value, tuple) else (value,)
        given += ["--" + name.replace("_", "-"), *map(str, values)]
    return given


def recipe_of(*arguments):
    options = parse(["pretrain", "--out", "run", *map(str, arguments)])
    return settings(options, options.views)["recipe"]


def test_every_field_of_the_recipe_has_a_flag():
    assert list(CHANGED) == [field.name for field in dataclasses.fields(Recipe)]
    assert recipe_of() == bk.recipes.short()
    assert recipe_of(*flags(CHANGED)) == Recipe(**CHANGED)
    for name, value in CHANGED.items():
        fields = {name: value}
        if name == "optimizer":  # whose rate goes with it
            fields["learning_rate"] = 0.3
        changed = recipe_of("--recipe", "demo", *flags(fields))
        assert changed == dataclasses.replace(bk.recipes.demo(), **fields)


def test_flags_go_before_the_file_and_the_file_before_the_presets(tmp_path):
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({**CHANGED, "epochs": 9}))
    assert recipe_of("--config", path) == Recipe(**{**CHANGED, "epochs": 9})
    assert recipe_of("--config", path, "--epochs", 11, "--tau-base", 0.25).epochs == 11
    fields = {name: value for name, value in CHANGED.items() if name not in ("epochs", "blur_sigma")}
    path.write_text(json.dumps(fields))
    # What the file lacks a flag can say; what has a default is the paper's.
    assert recipe_of("--config", path, "--epochs", 3) == Recipe(**{**fields, "epochs": 3, "blur_sigma": (0.1, 2.0)})
    with pytest.raises(bk.InputError, match="needs a value for `epochs`"):
        recipe_of("--config", path)


def test_the_image_size_is_chosen_where_nobody_says_it(tmp_path, capsys):
    def chosen(*arguments):
        given = settings(parse(["pretrain", "--out", "run", *arguments]))
        return given["auto_size"], given["recipe"].image_size

    assert chosen() == chosen("--recipe", "demo") == (True, 32)
    assert chosen("--image-size", "48") == chosen("--recipe", "short", "--image-size", "48") == (False, 48)
    # The paper's presets and a file have a size of their own, unless they are told otherwise.
    assert chosen("--recipe", "imagenet_40") == (False, 224)
    assert chosen("--recipe", "imagenette", "--image-size", "auto")[0]
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(CHANGED))
    assert chosen("--config", str(path)) == (False, 48)
    path.write_text(json.dumps({name: value for name, value in CHANGED.items() if name != "image_size"}))
    assert chosen("--config", str(path), "--image-size", "auto")[0]
    assert settings(parse(["views", "--data", "photos", "--out", "views.png"]))["auto_size"]
    with pytest.raises(SystemExit):
        parse(["pretrain", "--out", "run", "--image-size", "large"])
    assert "must be a whole number of pixels, or auto; received 'large'" in capsys.readouterr().err


def test_the_kind_of_views_comes_after_the_recipe_and_before_the_flags():
    assert recipe_of("--views", "photos") == bk.recipes.short()
    assert recipe_of("--views", "faces").crop_area == 0.5
    assert recipe_of("--views", "faces", "--crop-area", 0.3).crop_area == 0.3
    short = bk.recipes.short()
    faces = dataclasses.replace(short, **bk.recipes.view_fields("faces"))
    assert recipe_of("--views", "faces") == faces != short
    with pytest.raises(bk.InputError, match=r"Views are for photos, faces\. Received: views='face'"):
        recipe_of("--views", "face")


def test_views_take_the_flags_of_views_only(capsys):
    options = parse(["views", "--data", "photos", "--out", "views.png", "--blur-sigma", "0.2", "0.3"])
    assert settings(options)["recipe"] == dataclasses.replace(bk.recipes.short(), blur_sigma=(0.2, 0.3))
    with pytest.raises(SystemExit):
        parse(["views", "--data", "photos", "--out", "views.png", "--epochs", "3"])
    assert "--epochs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tau-base", "1.5"], "--tau-base must be from 0 to 1. Received: --tau-base 1.5"),
        (["--blur-sigma", "2", "1"], "--blur-sigma must be two numbers above 0"),
        (["--optimizer", "sgd"], "--optimizer must be lars or adamw or muon. Received: --optimizer 'sgd'"),
        (["--optimizer", "adamw"], "--learning-rate must be given along with another --optimizer: 0.01 is for muon."),
        (["--recipe", "long"], "Received: --recipe 'long'"),
        (["--config", "absent.json"], "No such file: absent.json"),
        (["--config", "few.json"], "A recipe needs a value for --backbone, --image-size, --batch-size"),
        (["--config", "odd.json"], "A recipe has no field 'epoch': did you mean 'epochs'?"),
    ],
)
def test_a_mistake_is_one_line_with_flags(arguments, said, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.json").write_text('{"epochs": 3}')
    (tmp_path / "odd.json").write_text('{"epoch": 3}')
    assert main(["pretrain", "--data", "photos", "--out", "run", *arguments]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("byol-keras pretrain: ")
    assert said in line
    assert not (tmp_path / "run").exists()


def test_a_recipe_and_a_file_are_not_given_together(capsys):
    with pytest.raises(SystemExit):
        parse(["pretrain", "--data", "photos", "--out", "run", "--recipe", "demo", "--config", "a.json"])
    assert "not allowed with" in capsys.readouterr().err


def test_names_of_arguments_become_flags():
    parser = parse(["pretrain", "--out", "run"]).parser
    said = {
        "`tau_base` must be from 0 to 1. Received: tau_base=1.5": "--tau-base must be from 0 to 1. Received: "
        "--tau-base 1.5",
        "seed must be a whole number. Received: seed=-1": "--seed must be a whole number. Received: --seed -1",
        "choose another `out`, or go on (`resume`)": "choose another --out, or go on (--resume)",
        "Give a larger image_size.": "Give a larger --image-size.",
        "write resume=True": "write --resume",
        # Words, arguments of nothing here, and what looks like a name but is a path or an option.
        "the data and the seed of `images`": "the data and the seed of `images`",
        "my_tau_base=1 and run/seed.txt and --batch-size": "my_tau_base=1 and run/seed.txt and --batch-size",
        "runs/epochs=50 is not a run": "runs/epochs=50 is not a run",
        "no run in 'batch_size/64' or 'seed=0'": "no run in 'batch_size/64' or 'seed=0'",
    }
    assert {message: in_flags(message, parser) for message in said} == said

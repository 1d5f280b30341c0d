"""From a pairs file to a verified run that has seen nobody it is tested on, by the commands."""

import dataclasses
import json
import shutil
import tarfile

import keras
import numpy as np
import pytest
from PIL import Image

from byol_keras.cli.main import main
from byol_keras.data import open_source
from byol_keras.evaluation import embed
from byol_keras.runs.build import build_encoder
from byol_keras.runs.results import read_results
from byol_keras.runs.run_config import load_run
from byol_keras.tasks.verification.dataset import read_pairs
from byol_keras.tasks.verification.metrics import pair_similarities

PEOPLE = 9  # three in each of three folds
EACH = 4  # images of one


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A folder of flat colors with noise, a color for each "person", laid out as LFW is, and its pairs.txt."""
    folder = tmp_path_factory.mktemp("faces")
    generator = np.random.default_rng(0)
    for person in range(PEOPLE):
        color = generator.integers(0, 200, 3)
        (folder / f"P{person}").mkdir()
        for i in range(1, EACH + 1):
            pixels = (color + generator.integers(0, 56, (16, 16, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"P{person}" / f"P{person}_{i:04d}.png")
    lines = ["3\t6"]
    for fold in range(3):
        people = [f"P{3 * fold + i}" for i in range(3)]
        lines += [f"{name}\t{i}\t{i + 1}" for name in people for i in (1, 3)]
        lines += [
            f"{a}\t{i}\t{b}\t{i + 1}" for a, b in zip(people, people[1:] + people[:1], strict=True) for i in (1, 2)
        ]
    (folder / "pairs.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def held_out(faces):
    path = faces.parent / f"{faces.name}-held-out.txt"
    assert main(["identities", "--pairs", str(faces / "pairs.txt"), "--folds", "2-3", "--out", str(path)]) == 0
    return path


def pretrain(faces, out, *flags):
    sizes = ["--image-size", "16", "--batch-size", "4", "--precision", "float32", "--backbone", "resnet8"]
    sizes += ["--hidden-width", "32"]
    return main(["pretrain", "--data", str(faces), "--out", str(out), "--epochs", "1", *sizes, *map(str, flags)])


def verify(run, faces, *flags):
    return main(["verify", str(run), "--data", str(faces), "--pairs", str(faces / "pairs.txt"), *flags])


@pytest.fixture(scope="module")
def run(faces, held_out, tmp_path_factory):
    """A run of which all is as `pretrain` makes it, but its encoder, which is as it was before training."""

    def untrained(run, *_):
        build_encoder(run).save(run.encoder_path)
        return run

    out = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("byol_keras.workflows.pretrain.train_run", untrained)
        assert pretrain(faces, out, "--exclude", held_out) == 0
    return out


def trained_on(run, folder, data, exclude=()):
    """The run with its encoder in another folder, as if it had been trained on other data."""
    other = dataclasses.replace(load_run(run), folder=folder, data=str(data), exclude=list(exclude))
    folder.mkdir()
    other.write_config()
    shutil.copy(run / "encoder.keras", folder)
    return folder


def failure(capfd):
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize("command", ["identities", "verify", "split"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"example: byol-keras {command}" in capsys.readouterr().out


def test_the_list_names_who_is_in_the_folds(held_out):
    assert held_out.read_text().split() == [f"P{i}" for i in range(3, 9)]


def test_the_run_knows_what_it_did_not_see(run):
    assert load_run(run).exclude == [f"P{i}" for i in range(3, 9)]


@pytest.mark.slow
def test_a_resumed_run_leaves_out_the_same(faces, held_out, tmp_path, capsys):
    assert pretrain(faces, tmp_path / "straight", "--exclude", held_out) == 0
    (tmp_path / "run").mkdir()
    for name in ("config.json", "images.json"):
        shutil.copy(tmp_path / "straight" / name, tmp_path / "run")
    assert main(["pretrain", "--out", str(tmp_path / "run"), "--resume"]) == 0
    assert "on 12 images" in capsys.readouterr().out
    straight, resumed = (
        keras.models.load_model(path / "encoder.keras") for path in (tmp_path / "straight", tmp_path / "run")
    )
    for a, b in zip(straight.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_verify_measures_on_folds_that_training_has_not_seen(run, faces, capsys):
    assert verify(run, faces, "--folds", "2-3") == 0
    printed = capsys.readouterr().out
    assert "true accepts at 1 % false" in printed
    results = read_results(load_run(run))
    assert [result.metric for result in results] == ["accuracy", "ROC AUC", "true accepts at 1 % false"]
    for result in results:
        assert list(result.scores)[:2] == ["pretrained", "untrained"]
        assert {len(values) for values in result.scores.values()} == {2 if result.metric == "accuracy" else 1}
        assert result.settings["folds"] == [2, 3]
        assert result.settings["images_for_whitening"] == 12
        assert result.command.startswith("byol-keras verify")
    # Colors apart from each other: even a network that has learned next to nothing tells most of them apart.
    assert results[1].scores["untrained"][0] > 0.8
    with Image.open(run / "results" / "verification.png") as image:
        assert image.size == (700, 560)


def test_the_plain_scores_are_those_of_embeddings_with_mirror_images(run, faces):
    assert verify(run, faces, "--folds", "2,3") == 0
    (auc,) = json.loads((run / "results" / "verification.json").read_text())[1]["scores"]["pretrained, not whitened"]
    source, encoder = open_source(faces), keras.models.load_model(run / "encoder.keras")
    pixels = source.images / np.float32(255)
    vectors = encoder.predict(pixels, verbose=0) + encoder.predict(pixels[:, :, ::-1], verbose=0)
    number = {name.removesuffix(".png"): i for i, name in enumerate(source.names)}
    pairs = read_pairs(faces / "pairs.txt").in_folds([2, 3])
    places = np.array([[number[a], number[b]] for a, b in zip(pairs.a, pairs.b, strict=True)])
    scores = pair_similarities(vectors, places)
    couples = scores[pairs.same][:, None] > scores[~pairs.same][None, :]
    assert auc == pytest.approx(couples.mean(), abs=0.01)
    assert not np.allclose(vectors, 2 * embed(encoder, source))


def test_a_run_is_not_tested_on_whom_it_has_seen(run, faces, capfd):
    assert verify(run, faces) == 2
    said = failure(capfd)
    assert "trained on images of 3 of the identities in folds 1: test on the folds 2,3" in said


def test_the_same_images_by_another_path_are_seen_as_well(run, faces, tmp_path, capfd):
    (tmp_path / "link").symlink_to(faces)
    assert main(["verify", str(run), "--data", str(tmp_path / "link"), "--pairs", str(faces / "pairs.txt")]) == 2
    assert "trained on images of 3" in failure(capfd)


@pytest.mark.slow
def test_links_to_the_same_images_are_seen_as_well(faces, tmp_path, capfd):
    # As `byol-keras split` makes them.
    for path in faces.glob("*/*.png"):
        link = tmp_path / "links" / path.relative_to(faces)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    assert pretrain(tmp_path / "links", tmp_path / "run") == 0
    capfd.readouterr()
    assert verify(tmp_path / "run", faces) == 2
    assert "trained on images of 9 of the identities in folds 1, 2, 3: pretrain without them" in failure(capfd)


def test_of_what_is_no_folder_of_files_nothing_is_claimed(run, faces, tmp_path, capsys):
    (tmp_path / "tars").mkdir()
    with tarfile.open(tmp_path / "tars" / "faces.tar", "w") as tar:
        tar.add(faces, ".")
    assert verify(trained_on(run, tmp_path / "run", tmp_path / "tars"), faces) == 0
    assert "whether the run was trained on those in the pairs has not been checked" in capsys.readouterr().out


def test_missing_images_and_single_folds(run, faces, tmp_path, capfd):
    shutil.copytree(faces, tmp_path / "faces")
    for i in (1, 2):
        (tmp_path / "faces" / "P4" / f"P4_{i:04d}.png").unlink()
    (tmp_path / "faces" / "P7" / "P7_0001.png").write_bytes(b"\x89PNG cut short")
    assert verify(run, tmp_path / "faces", "--folds", "2-3") == 2
    assert "2 of the 24 images in the pairs are not in" in failure(capfd)
    for i in (1, 2):
        shutil.copy(faces / "P3" / "P3_0001.png", tmp_path / "faces" / "P4" / f"P4_{i:04d}.png")
    assert verify(run, tmp_path / "faces", "--folds", "2-3") == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert "1 of 36 images cannot be decoded" in lines[0]
    assert "or cannot be decoded: P7/P7_0001" in lines[-1]
    assert verify(run, faces, "--folds", "2") == 2
    assert "It takes 2 folds, since each is tested with what the others teach. Received: --folds 2" in failure(capfd)
    assert verify(run, tmp_path / "nowhere") == 2
    assert "nowhere" in failure(capfd)


def test_a_run_that_is_not_finished(run, faces, tmp_path, capfd):
    (tmp_path / "run").mkdir()
    shutil.copy(run / "config.json", tmp_path / "run")
    assert verify(tmp_path / "run", faces, "--folds", "2-3") == 2
    assert "no encoder.keras yet" in failure(capfd)


def test_a_wrong_list_leaves_no_run(run, faces, held_out, tmp_path, capfd):
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("P1\nP77\n")
    assert pretrain(faces, tmp_path / "run", "--exclude", wrong) == 2
    assert "1 of the 2 names to exclude are no image and no folder of the source: P77" in failure(capfd)
    assert not (tmp_path / "run").exists()
    assert main(["pretrain", "--out", str(run), "--resume", "--exclude", str(held_out)]) == 2
    assert "leave out --exclude" in failure(capfd)


def test_pairs_without_endings_in_one_folder_are_seen_as_well(run, faces, tmp_path, capfd):
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in faces.glob("*/*.png"):
        shutil.copy(path, flat)
    rows = [f"{1 + i // 2},P{i}_0001,P{i}_000{2 + i % 2},{i % 2}" for i in range(4)]
    (flat / "pairs.csv").write_text("\n".join(["fold,a,b,same", *rows]) + "\n")
    other = trained_on(run, tmp_path / "run", flat)
    assert main(["verify", str(other), "--data", str(flat), "--pairs", str(flat / "pairs.csv")]) == 2
    assert "trained on images of 8 of the identities in folds 1, 2" in failure(capfd)


def test_another_folder_of_the_same_person_is_seen_as_well(run, faces, tmp_path, capfd):
    people = tmp_path / "people"
    for person in range(4):
        for place, i in (("indoors", 1), ("indoors", 2), ("outdoors", 3), ("outdoors", 4)):
            (people / f"P{person}" / place).mkdir(parents=True, exist_ok=True)
            shutil.copy(faces / f"P{person}" / f"P{person}_{i:04d}.png", people / f"P{person}" / place / f"{i}.png")
    rows = [f"{1 + i // 2},P{i}/outdoors/3.png,P{i}/outdoors/4.png,1" for i in range(4)]
    rows += [f"{1 + i},P{2 * i}/outdoors/3.png,P{2 * i + 1}/outdoors/3.png,0" for i in range(2)]
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("\n".join(["fold,a,b,same", *rows]) + "\n")
    indoors = trained_on(run, tmp_path / "indoors", people, [f"P{i}/outdoors" for i in range(4)])
    assert main(["verify", str(indoors), "--data", str(people), "--pairs", str(pairs)]) == 2
    assert "trained on images of 4 of the identities in folds 1, 2" in failure(capfd)
    one = trained_on(run, tmp_path / "one", people / "P3" / "indoors")
    assert main(["verify", str(one), "--data", str(people), "--pairs", str(pairs)]) == 2
    assert "trained on images of 1 of the identities in folds 2" in failure(capfd)
    # By their names alone, elsewhere, they may be the same people.
    shutil.copytree(people, tmp_path / "copy")
    assert main(["verify", str(indoors), "--data", str(tmp_path / "copy"), "--pairs", str(pairs)]) == 0
    assert "4 of the identities have the names of folders in" in capfd.readouterr().out


def test_a_tilde_is_the_home(run, faces, monkeypatch, capfd):
    monkeypatch.setenv("HOME", str(faces.parent))
    assert main(["verify", str(run), "--data", f"~/{faces.name}", "--pairs", str(faces / "pairs.txt")]) == 2
    assert "trained on images of 3" in failure(capfd)


def test_people_of_the_same_name_in_another_folder_are_said(run, faces, tmp_path, capsys):
    shutil.copytree(faces, tmp_path / "copy")
    assert verify(run, tmp_path / "copy") == 0
    assert f"3 of the identities have the names of folders in {faces}, which" in capsys.readouterr().out

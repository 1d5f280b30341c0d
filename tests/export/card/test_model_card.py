"""Model cards, read by a YAML parser as Hugging Face does."""

import pytest
import yaml

from byol_keras import export
from byol_keras.export.card.model_card import card_path

RESULT = {"task": "Image classification, 20-NN", "metric": "balanced accuracy", "data": "train -> test"}
RESULT |= {"method": "pretrained", "value": 0.625, "others": {"untrained": 0.25}}
TRAINING = {"run": "photos", "checksum": "c0ffee", "recipe": {"epochs": 3}, "seed": 7, "source": "photos"}
TRAINING |= {"image_count": 1234, "start_from": None, "trained_with": {"keras": "3"}, "results": [RESULT]}


def parts(card):
    """The front matter as an object, and the text under it."""
    assert card.startswith("---\n")
    _, front, text = card.split("---\n", 2)
    return yaml.safe_load(front), text


def test_the_front_matter_and_the_text(encoder):
    facts = export.provenance_of(encoder, TRAINING, license="CC-BY-4.0")
    front, text = parts(export.model_card(facts, ["encoder/1", "encoder.tflite"]))
    assert front["library_name"] == "byol_keras"
    assert front["license"] == "cc-by-4.0"
    assert front["pipeline_tag"] == "image-feature-extraction"
    assert "byol" in front["tags"]
    assert front["metrics"] == ["balanced_accuracy"]
    (model,) = front["model-index"]
    assert model["name"] == "photos"
    (result,) = model["results"]
    assert result["task"] == {"type": "image-classification", "name": "Image classification, 20-NN"}
    assert result["dataset"] == {"type": "custom", "name": "train -> test"}
    (metric,) = result["metrics"]
    assert (metric["type"], metric["value"]) == ("balanced_accuracy", 0.625)
    for said in (
        "1,234 from photos",
        "c0ffee",
        "- `encoder/1`",
        "0.6250 | untrained 0.2500",
        "epochs=3",
        "| seed | 7 |",
    ):
        assert said in text
    assert facts["encoder"]["fingerprint"] in text


@pytest.mark.parametrize(
    ("license", "told"),
    [
        (None, {"license": "unknown"}),
        ("MIT", {"license": "mit"}),
        ("Acme: internal use", {"license": "other", "license_name": "acme-internal-use"}),
    ],
)
def test_a_license_in_the_words_of_the_hub(encoder, license, told):
    card = export.model_card(export.provenance_of(encoder, license=license))
    front, text = parts(card)
    assert {key: value for key, value in front.items() if key.startswith("license")} == told
    assert f"| license | {license or 'not stated'} |" in text
    assert "metrics" not in front
    assert "There are no results" in text


def test_names_that_would_break_a_table_or_the_front_matter(encoder):
    name = "a|b: <script>`#\u00e9"
    front, text = parts(export.model_card(export.provenance_of(encoder, {**TRAINING, "run": name}), ["a`b"]))
    assert front["model-index"][0]["name"] == name
    assert "<script>" not in text
    assert all(line.count("|") - line.count("\\|") == 3 for line in text.splitlines() if line.startswith("| run"))


def test_somebody_elses_readme_is_left_alone(encoder, tmp_path):
    assert card_path(tmp_path) == tmp_path / "README.md"
    (tmp_path / "README.md").write_text(export.model_card(export.provenance_of(encoder)))
    assert card_path(tmp_path) == tmp_path / "README.md"
    (tmp_path / "README.md").write_text("# Mine\n\nlibrary_name: byol_keras\n")
    assert card_path(tmp_path) == tmp_path / "MODEL_CARD.md"
    (tmp_path / "MODEL_CARD.md").mkdir()
    assert card_path(tmp_path) is None

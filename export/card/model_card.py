"""A model card: Markdown with the YAML front matter that Hugging Face reads."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from .provenance import NOT_STATED, value_range_in

LIBRARY = "byol_keras"
# Where a card is looked for first, and the name it gets where somebody's own README is.
NAMES = ("README.md", "MODEL_CARD.md")
# Those that Hugging Face knows by these names, of the licenses that models have; any other is "other" with its name.
LICENSES = {
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "mpl-2.0", "gpl-2.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0"),
    *("cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0"),
    *("openrail", "unlicense", "unknown"),
}
SHOWN_CLASSES = 50


def model_card(provenance: Mapping, files: Sequence[str] = ()) -> str:
    """The text of a model card.

    Args:
        provenance: as `provenance_of` or `file_provenance` gives it.
        files: names of the exported files that it stands beside.

    Returns:
        str: front matter with the library, license, tags, and of a run with results `metrics` and `model-index`; then
        what the files are, how they were made, what was measured, and what to know.

    Example:
        print(bk.export.model_card(bk.export.provenance_of(encoder)))
    """
    training = provenance.get("training") or {}
    name = training.get("run") or training.get("file") or provenance["encoder"]["name"]
    front = yaml.safe_dump(_front_matter(name, provenance), sort_keys=False, allow_unicode=True)
    return "\n".join(
        [
            f"---\n{front}---\n",
            f"# {_plain(name)}\n",
            f"{_what(provenance)} Made by byol_keras, see Provenance.\n",
            *_section("Files", [f"- {_code(file)}" for file in files]),
            *_section("Provenance", _provenance(provenance)),
            *_section("Preprocessing", _preprocessing(provenance)),
            *_section("Results", _results(training)),
            *_section("What to know", _limits(provenance)),
        ]
    )


def write_card(folder: Path, provenance: Mapping) -> None:
    """Writes provenance.json and README.md into the assets.extra/ of a SavedModel, which servers pass over.

    Args:
        folder: the version folder of the SavedModel.
        provenance: as `file_provenance` gives it.
    """
    extra = folder / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / "provenance.json").write_text(json.dumps(provenance, indent=2) + "\n")
    (extra / "README.md").write_text(model_card(provenance), encoding="utf-8")


def card_path(folder: Path) -> Path | None:
    """Where the card of a folder goes: README.md, or MODEL_CARD.md where that is somebody's own; None where both are.

    Args:
        folder: of the exported files; need not exist.
    """
    return next((folder / name for name in NAMES if _may_write(folder / name)), None)


def _may_write(path: Path) -> bool:
    if not path.exists():
        return True
    if not path.is_file():
        return False
    text = path.read_text(encoding="utf-8", errors="replace")
    return text.startswith("---\n") and f"\nlibrary_name: {LIBRARY}\n" in text.split("\n---\n")[0] + "\n"


def _front_matter(name: str, provenance: Mapping) -> dict:
    classes = "classes" in provenance
    license = provenance["license"]
    front = {"library_name": LIBRARY, "license": "unknown" if license == NOT_STATED else license.lower()}
    if front["license"] not in LICENSES:
        front |= {
            "license": "other",
            "license_name": re.sub(r"[^a-z0-9.]+", "-", license.lower()).strip("-") or "other",
        }
    front["pipeline_tag"] = "image-classification" if classes else "image-feature-extraction"
    if "sample_rate" in provenance["preprocessing"]:
        front["pipeline_tag"] = "feature-extraction"
    of = "audio" if "sample_rate" in provenance["preprocessing"] else "image"
    front["tags"] = ["byol", "self-supervised-learning", f"{of}-embeddings", "keras", "tensorflow"]
    results = [result for result in _of_run(provenance) if result["value"] is not None]
    if results:
        front["metrics"] = list(dict.fromkeys(_slug(result["metric"]) for result in results))
        front["model-index"] = [{"name": name, "results": [_indexed(result) for result in results]}]
    return front


def _of_run(provenance: Mapping) -> list[Mapping]:
    return (provenance.get("training") or {}).get("results") or []


def _indexed(result: Mapping) -> dict:
    """A result in the form of Hugging Face's model-index."""
    kinds = {"image classification": "image-classification", "detection": "object-detection"}
    kinds |= {"segmentation": "image-segmentation"}
    task = next((kind for word, kind in kinds.items() if word in result["task"].lower()), "image-feature-extraction")
    metric = {"type": _slug(result["metric"]), "value": round(result["value"], 6)}
    return {
        "task": {"type": task, "name": result["task"]},
        "dataset": {"type": "custom", "name": result["data"]},
        "metrics": [{**metric, "name": f"{result['metric']}, {result['method']}"}],
    }


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _what(provenance: Mapping) -> str:
    if "sample_rate" in provenance["preprocessing"]:
        return f"An encoder of recordings: embeddings of {provenance['preprocessing']['seconds']:g} s of sound."
    height, width, channels = provenance["encoder"]["input"]
    kind = "classifier: classes, and embeddings," if "classes" in provenance else "encoder: embeddings"
    size = "of any size" if height is None or width is None else f"of {height} by {width} pixels"
    return f"An image {kind} of images {size} with {channels} channel{'s' if channels > 1 else ''}."


def _provenance(provenance: Mapping) -> list[str]:
    training, encoder = provenance.get("training") or {}, provenance["encoder"]
    rows = [
        ("license", provenance["license"]),
        ("exported with", _versions(provenance["made_by"])),
        ("encoder", f"{encoder['name']}, {encoder['parameters']:,} parameters"),
        ("fingerprint of the encoder", encoder["fingerprint"]),
    ]
    if not training:
        rows.append(("training", "not known"))
    if "file" in training:
        rows += [("file", training["file"]), ("SHA-256 of the file", training["sha256"])]
    if "run" in training:
        count = training["image_count"]
        rows += [
            ("run", training["run"]),
            ("hash of the run", training["checksum"]),
            ("images", f"{'a number not noted' if count is None else f'{count:,}'} from {training['source']}"),
            ("seed", training["seed"]),
            ("trained with", _versions(training["trained_with"]) or "not noted"),
            ("recipe", ", ".join(f"{key}={value}" for key, value in training["recipe"].items())),
        ]
        if "classifier" in training:
            made, unknown = training["classifier"], "not noted"
            rows += [
                ("fine-tuned on", f"{made['training_images'] or unknown} images of {made['train'] or unknown}"),
                ("seed of the fine-tuning", unknown if made["seed"] is None else made["seed"]),
            ]
        if training["start_from"]:
            rows.append(("started from", training["start_from"]))
    if "classes" in provenance:
        names = provenance["classes"]["names"]
        more = f" and {len(names) - SHOWN_CLASSES:,} more" if len(names) > SHOWN_CLASSES else ""
        rows.append(("classes", ", ".join(names[:SHOWN_CLASSES]) + more))
    if "neighbors" in provenance:
        rows.append(("images known to `neighbors`", provenance["neighbors"]["images"]))
    return _table(("", ""), rows)


def _versions(versions: Mapping) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _preprocessing(provenance: Mapping) -> list[str]:
    preprocessing = provenance["preprocessing"]
    norm = preprocessing["normalization"]
    if "sample_rate" in preprocessing:
        return [
            f"{preprocessing['samples']:,} samples in [-1, 1], one channel at {preprocessing['sample_rate']:,} Hz: "
            f"{preprocessing['seconds']:g} s, the middle of a recording; a shorter one gets zeros at both ends. The "
            "log-mel spectrogram and its normalization are in the file.",
        ]
    ends = value_range_in(provenance)
    values = "pixels / 255, of 16 bits / 65535" if ends is None else f"values from {ends[0]:g} to {ends[1]:g} as 0 to 1"
    figures = "" if norm["mean"] is None else f" (mean {_figures(norm['mean'])}, std {_figures(norm['std'])})"
    return [
        f"Images in {preprocessing['channels']}, {values}. Resize: {preprocessing['resize']}. EXIF orientation: "
        f"{preprocessing['exif_orientation']}. Normalization{figures}: {norm['where']}.",
        "",
        "A SavedModel takes images of any size and resizes them itself, if the encoder is square; other files take "
        "images of their own size.",
    ]


def _figures(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _results(training: Mapping) -> list[str]:
    rows = []
    for result in training.get("results") or []:
        others = ", ".join(f"{name} {_share(value)}" for name, value in result["others"].items())
        rows.append(
            (result["task"], result["metric"], result["data"], result["method"], _share(result["value"]), others)
        )
    return _table(("task", "metric", "data", "method", "value", "beside"), rows) if rows else []


def _share(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4f}"


def _limits(provenance: Mapping) -> list[str]:
    lines = ["- Embeddings of two encoders cannot be compared: keep the fingerprint with every embedding you store."]
    if not _of_run(provenance):
        lines.append("- There are no results: how good its embeddings are was not measured, or is not known here.")
    lines.append("- Measure it on images of your own before you rely on it.")
    return lines


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}\n", *lines, ""] if lines else []


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines]


def _plain(value: object) -> str:
    """Text that neither ends a table's cell nor becomes HTML."""
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"

"""The files in MediaPipe, and what was added to them for it."""

import importlib
import io
import struct
import zipfile

import numpy as np
import pytest

from byol_keras import export
from byol_keras.errors import InputError
from byol_keras.evaluation import probabilities
from byol_keras.export.formats.tflite_schema import ends, output_names, schema
from byol_keras.models.fingerprint import fingerprint

MODULE = importlib.import_module("byol_keras.export.formats.tflite")
LABELS = ("cat", "dog", "Füchse")

interpreter = pytest.importorskip("ai_edge_litert.interpreter")


@pytest.fixture(scope="module")
def head():
    rng = np.random.default_rng(0)
    return export.LinearHead(rng.normal(size=(48, 3)), np.zeros(3), LABELS)


@pytest.fixture(scope="module")
def mediapipe():
    return pytest.importorskip("mediapipe", reason='needs pip install "byol_keras[mediapipe]"')


@pytest.fixture(scope="module")
def wide(make_images):
    """uint8 (8, 32, 56, 3): the central square is as large as the encoder's images."""
    return make_images(8, 32, 56)


def outputs(path, image):
    return interpreter.Interpreter(str(path)).get_signature_runner("serving_default")(images=image[None])


def reference(encoder, images):
    return encoder(images / np.float32(255), training=False).numpy()


@pytest.mark.parametrize("quantize", ["none", "float16", "dynamic", "int8"])
def test_what_was_there_stays_as_it_is(encoder, images, wide, tmp_path, monkeypatch, quantize):
    kinds = {"quantize": quantize, "calibration": images}
    whole = export.tflite(encoder, tmp_path / "whole.tflite", **kinds)
    monkeypatch.setattr(MODULE, "with_mediapipe_metadata", lambda model, labels: model)
    plain = export.tflite(encoder, tmp_path / "plain.tflite", **kinds)
    content, before = whole.read_bytes(), plain.read_bytes()
    start = content.index(before)
    assert start % 16 == 0  # weights are read in place
    assert len(content) - len(before) < 1000
    ours, theirs = (schema.ModelT.InitFromPackedBuf(model) for model in (content, before))
    assert [entry.name for entry in ours.metadata] == [*(entry.name for entry in theirs.metadata), b"TFLITE_METADATA"]
    assert len(ours.buffers) == len(theirs.buffers) + 1
    assert bytes(ours.buffers[ours.metadata[-1].buffer].data)[4:8] == b"M001"
    for name in ("version", "description"):
        assert getattr(ours, name) == getattr(theirs, name)
    for a, b in zip(ours.buffers, theirs.buffers, strict=False):
        np.testing.assert_array_equal(a.data, b.data)
    image = wide[0, :, 12:44] / np.float32(255)
    np.testing.assert_array_equal(outputs(whole, image)["embedding"], outputs(plain, image)["embedding"])


def test_the_root_is_found_by_hand(encoder, tmp_path):
    """The file's first bytes as the format has them: offset of the root, identifier, a table with eight fields."""
    content = export.tflite(encoder, tmp_path / "a.tflite").read_bytes()
    (root,) = struct.unpack_from("<I", content)
    assert content[4:8] == b"TFL3"
    (back,) = struct.unpack_from("<i", content, root)
    size, _, version = struct.unpack_from("<3H", content, root - back)
    assert size == 4 + 2 * 8
    assert struct.unpack_from("<I", content, root + version) == (3,)


@pytest.mark.parametrize("scores_only", [False, True])
def test_labels_are_an_associated_file(encoder, head, tmp_path, scores_only):
    path = export.tflite(encoder, tmp_path / "a.tflite", head=head, scores_only=scores_only)
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        assert archive.namelist() == ["labels.txt"]
        assert archive.read("labels.txt").decode() == "cat\ndog\nFüchse\n"
        assert archive.getinfo("labels.txt").compress_type == zipfile.ZIP_STORED
    again = export.tflite(encoder, tmp_path / "b.tflite", head=head, scores_only=scores_only)
    assert again.read_bytes() == path.read_bytes()
    names = output_names(path.read_bytes())
    assert sorted(names) == (["scores"] if scores_only else ["embedding", "scores"])
    assert set(ends(path.read_bytes())[1]) == set(names)


def test_a_label_is_one_line_whatever_its_class_is_called(encoder, tmp_path):
    head = export.LinearHead(np.zeros((48, 2)), [0, 0], ("cup\nred", "leaf"), fingerprint(encoder))
    path = export.tflite(encoder, tmp_path / "a.tflite", head=head)
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        assert archive.read("labels.txt").decode() == "cup\\nred\nleaf\n"


def test_scores_only_needs_a_head(encoder, tmp_path):
    with pytest.raises(InputError, match=r"pass its head\. Received: scores_only=True, head=None"):
        export.tflite(encoder, tmp_path / "a.tflite", scores_only=True)


def test_the_metadata_as_mediapipe_reads_it(mediapipe, encoder, make_encoder, head, images, tmp_path):
    from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata_schema

    def described(path):
        flat = schema.ModelT.InitFromPackedBuf(path.read_bytes())
        content = bytes(flat.buffers[flat.metadata[-1].buffer].data)
        metadata = metadata_schema.ModelMetadataT.InitFromPackedBuf(content)
        assert metadata.minParserVersion == b"1.0.0"
        (graph,) = metadata.subgraphMetadata
        return graph.inputTensorMetadata[0], graph.outputTensorMetadata

    classifier = export.tflite(encoder, tmp_path / "classifier.tflite", head=head)
    source, results = described(classifier)
    assert source.name == b"images"
    assert source.content.contentProperties.colorSpace == metadata_schema.ColorSpaceType.RGB
    (unit,) = source.processUnits
    assert (list(unit.options.mean), list(unit.options.std)) == ([0], [255])
    assert [result.name.decode() for result in results] == output_names(classifier.read_bytes())
    files = {result.name: result.associatedFiles for result in results}
    assert files[b"embedding"] is None
    (labels,) = files[b"scores"]
    assert (labels.name, labels.type) == (b"labels.txt", metadata_schema.AssociatedFileType.TENSOR_AXIS_LABELS)
    gray, _ = described(export.tflite(make_encoder(channels=1), tmp_path / "gray.tflite"))
    assert gray.content.contentProperties.colorSpace == metadata_schema.ColorSpaceType.GRAYSCALE
    bytes_in, _ = described(
        export.tflite(encoder, tmp_path / "uint8.tflite", quantize="int8", calibration=images, io="uint8")
    )
    assert bytes_in.processUnits is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({}, 1e-5),
        ({"batch": None}, 1e-5),
        ({"quantize": "float16"}, 0.01),
        ({"quantize": "dynamic"}, 0.05),
        ({"quantize": "int8"}, 0.1),
        ({"quantize": "int8", "io": "uint8"}, 0.1),
    ],
)
def test_the_embedder_gives_what_keras_gives(mediapipe, encoder, images, wide, tmp_path, options, tolerance):
    from mediapipe.tasks.python import BaseOptions, vision
    from mediapipe.tasks.python.components.containers.rect import RectF
    from mediapipe.tasks.python.vision.core.image_processing_options import ImageProcessingOptions

    path = export.tflite(encoder, tmp_path / "a.tflite", calibration=images, **options)
    square = ImageProcessingOptions(region_of_interest=RectF(left=12 / 56, top=0, right=44 / 56, bottom=1))
    created = vision.ImageEmbedderOptions(base_options=BaseOptions(model_asset_path=str(path)))
    with vision.ImageEmbedder.create_from_options(created) as embedder:
        results = [
            embedder.embed(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image), square)
            for image in wide
        ]
    embeddings = np.array([result.embeddings[0].embedding for result in results])
    expected = reference(encoder, wide[:, :, 12:44])
    assert np.abs(embeddings - expected).max() < tolerance * np.abs(expected).max()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("quantize", "tolerance"), [("none", 1e-5), ("float16", 0.02), ("dynamic", 0.1), ("int8", 0.2)]
)
def test_the_classifier_gives_what_keras_gives(mediapipe, encoder, head, images, wide, tmp_path, quantize, tolerance):
    from mediapipe.tasks.python import BaseOptions, vision

    path = tmp_path / "a.tflite"
    export.tflite(encoder, path, quantize=quantize, calibration=images, head=head, scores_only=True)
    squares = np.ascontiguousarray(wide[:, :, 12:44])
    created = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=str(path)))
    with vision.ImageClassifier.create_from_options(created) as classifier:
        results = [
            classifier.classify(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image))
            for image in squares
        ]
    expected = probabilities(head, reference(encoder, squares))
    for result, row in zip(results, expected, strict=True):
        (scores,) = result.classifications
        assert {entry.category_name for entry in scores.categories} == set(LABELS)
        for entry in scores.categories:
            assert entry.score == pytest.approx(row[LABELS.index(entry.category_name)], abs=tolerance)


@pytest.mark.slow
def test_a_gray_encoder_is_refused(mediapipe, make_encoder, tmp_path):
    from mediapipe.tasks.python import BaseOptions, vision

    path = export.tflite(make_encoder(channels=1), tmp_path / "a.tflite")
    created = vision.ImageEmbedderOptions(base_options=BaseOptions(model_asset_path=str(path)))
    with pytest.raises(ValueError, match="Only RGB"):
        vision.ImageEmbedder.create_from_options(created)

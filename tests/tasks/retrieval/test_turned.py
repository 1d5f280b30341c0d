"""One image in all eight EXIF orientations is one image to search and duplicates, and upright on their pages."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from byol_keras.reports.tiles import collection_tile
from byol_keras.tasks import index_collection, open_collection
from byol_keras.tasks.retrieval.duplicates import duplicate_groups

from ...data.turned import ORIENTATIONS, blocks, folder_of, stored

SEEDS = (0, 5)


@pytest.fixture(scope="module", params=["JPEG", "PNG", "WEBP"])
def collection(request, tmp_path_factory):
    """Two images, each in all orientations."""
    folder = tmp_path_factory.mktemp("turned")
    for seed in SEEDS:
        folder_of(folder / str(seed), blocks(seed=seed), request.param)
    return open_collection(folder)


def test_search_and_duplicates_know_them_as_one(collection, make_encoder):
    index = index_collection(make_encoder(0), collection)
    found = sorted(sorted(group.tolist()) for group in duplicate_groups(index.vectors, 0.001))
    assert found == [[*range(8)], [*range(8, 16)]]


def test_pages_show_them_upright(collection):
    for position, name in enumerate(collection.names):
        expected = blocks(seed=int(name.split("/")[0]))
        assert collection.size(position) == expected.shape[:2]
        data = base64.b64decode(collection_tile(collection, position, "").uri.partition(",")[2])
        with Image.open(io.BytesIO(data)) as tile:
            # In the middle of each block, where a JPEG's colors are its own.
            np.testing.assert_allclose(np.asarray(tile)[8::16, 8::16], expected[8::16, 8::16], atol=12)


def test_a_photo_to_search_for_is_embedded_upright(collection, make_encoder, tmp_path):
    index = index_collection(make_encoder(0), collection)
    for orientation in ORIENTATIONS:
        (tmp_path / "query.jpg").write_bytes(stored(blocks(), orientation))
        query = index_collection(make_encoder(0), open_collection(tmp_path)).vectors
        similarities = (query @ index.vectors.T)[0]
        assert similarities[:8].min() > 0.999
        assert similarities[:8].min() > similarities[8:].max()

"""The page in a real browser, and what it refuses to be made of."""

import json
import shutil
import urllib.parse

import flatbuffers
import numpy as np
import pytest
from PIL import Image

import byol_keras as bk
from byol_keras.cli.main import main
from byol_keras.errors import InputError
from byol_keras.export.device.byol_device import prepare
from byol_keras.export.formats.tflite_schema import schema
from byol_keras.export.web.litert_js import BUILDS, copy_litert_js
from byol_keras.export.web.page import write_web_page

from ...browser import find_browser, open_browser
from ...file_server import serve_files
from .page_encoder import fully_accelerated, open_page, page_embeddings

needs_browser = pytest.mark.skipif(find_browser() is None, reason="needs a Chromium")


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory):
    """A folder of npm's, as a user without a network would bring one along."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm")
    folder = tmp_path_factory.mktemp("npm")
    copy_litert_js(folder / "fetched")
    for package in ("core", "wasm-utils"):
        (folder / "@litertjs" / package / "dist").mkdir(parents=True)
        shutil.copy(folder / "fetched" / package / "index.js", folder / "@litertjs" / package / "dist")
    shutil.move(folder / "fetched" / "wasm", folder / "@litertjs" / "core" / "wasm")
    return folder


@pytest.fixture
def served(tmp_path):
    """The address of tmp_path / "page"."""
    with serve_files(tmp_path / "page") as address:
        yield address


def photos(folder):
    """Images of several kinds: large, small, upright and wide, gray, transparent, and one on its side by EXIF."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    made = {}
    for name, (width, height), mode in (
        ("large.png", (301, 190), "RGB"),
        ("small.png", (20, 31), "RGB"),
        ("gray.png", (64, 64), "L"),
        ("clear.png", (50, 40), "RGBA"),
        ("same.png", (32, 32), "RGB"),
    ):
        noise = rng.integers(0, 256, (6, 8, len(mode)), np.uint8).squeeze()
        made[name] = Image.fromarray(noise, mode).resize((width, height), Image.Resampling.BICUBIC)
        made[name].save(folder / name)
    turned = made["large.png"].copy()
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(folder / "turned.png", exif=exif)
    return [folder / name for name in (*made, "turned.png")]


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("graphics", [False, True])
def test_the_browser_gives_what_keras_gives(encoder, node_modules, served, tmp_path, graphics):
    model = bk.export.tflite(encoder, tmp_path / "encoder.tflite")
    write_web_page(model, tmp_path / "page", node_modules)
    paths = photos(tmp_path / "page" / "photos")
    upright = [Image.open(path) for path in paths[:-1]]
    # By hand, and without its EXIF data, which `transpose` keeps.
    upright.append(Image.fromarray(np.rot90(np.asarray(Image.open(paths[-1])), -1)))
    expected = encoder.predict_on_batch(np.stack([prepare(image, 32, 32, 3) for image in upright]))
    with open_browser(tmp_path / "profile", width=390, graphics=graphics) as browser:
        runs_on = open_page(browser, served)
        if graphics:
            need_adapter(browser)
        assert runs_on == ("webgpu" if graphics else "wasm")
        assert fully_accelerated(browser)
        found = page_embeddings(browser, [f"photos/{path.name}" for path in paths])
        np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())
        use_the_page(browser, paths)
        # Nothing was asked of another server, nothing went wrong, and it fits a phone.
        addresses = browser.value("performance.getEntriesByType('resource').map(entry => entry.name)")
        assert all(address.startswith((served, "blob:", "data:")) for address in addresses)
        assert browser.value("document.documentElement.scrollWidth") <= 390
        assert not [m for m in browser.messages if m["method"] == "Runtime.exceptionThrown"]


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_every_format_in_the_browser(residual_encoder, images, node_modules, served, tmp_path, accelerator):
    """Shortcuts are strided 1x1 convolutions, which LiteRT's GPU accelerator computes wrongly with integer weights."""
    names = [f"{i}.png" for i in range(4)]
    squares = np.ascontiguousarray(images[:4, :32, :32])
    expected = residual_encoder(squares / np.float32(255), training=False).numpy()
    with open_browser(tmp_path / "profile", graphics=accelerator == "webgpu") as browser:
        for quantize, tolerance in (("none", 1e-3), ("float16", 0.01), ("dynamic", 0.05), ("int8", 0.05)):
            model = tmp_path / f"{quantize}.tflite"
            bk.export.tflite(residual_encoder, model, quantize=quantize, calibration=images)
            write_web_page(model, tmp_path / "page" / quantize, node_modules)
            for name, square in zip(names, squares, strict=True):
                Image.fromarray(square).save(tmp_path / "page" / quantize / name)
            runs_on = open_page(browser, f"{served}{quantize}/", accelerator)
            if accelerator == "webgpu":
                need_adapter(browser)
            assert runs_on == accelerator
            found = page_embeddings(browser, names)
            assert np.abs(found - expected).max() < tolerance * np.abs(expected).max(), quantize


def need_adapter(browser):
    if not browser.value("(async () => Boolean(await navigator.gpu?.requestAdapter()))()"):
        pytest.skip("this Chromium has no WebGPU")


def use_the_page(browser, paths):
    """Picks, compares and enrolls images as a visitor does."""
    give(browser, "#pick", [*paths[:2], paths[0].parent / "none.txt"])
    browser.wait_for("document.querySelector('#status').textContent.startsWith('2 embedded')")
    assert browser.text("#status").endswith("Not images that this browser reads: none.txt.")
    for place in (1, 2):
        browser.click(f"figure:nth-child({place}) button")
    value = float(browser.text("#compared").split(": ")[1])
    vectors = page_embeddings(browser, ["photos/large.png", "photos/small.png"])
    one, other = (vector / np.linalg.norm(vector) for vector in vectors)
    assert value == pytest.approx(one @ other, abs=1e-3)
    give(browser, "#enroll", paths[2:3])
    assert browser.text("#status") == "Give the class a name first."
    for name, path in (("<b>large</b>", paths[0]), ("gray", paths[2])):
        browser.value(f"document.querySelector('#class-name').value = {json.dumps(name)}")
        give(browser, "#enroll", [path])
        browser.wait_for("document.querySelector('#status').textContent.startsWith('1 embedded')")
    assert browser.text("figure:nth-child(1) figcaption") == "<b>large</b>, 1.000"


def give(browser, selector, paths):
    """Chooses files in a file input."""
    root = browser.call("DOM.getDocument")["root"]["nodeId"]
    node = browser.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
    browser.value("document.querySelector('#status').textContent = ''")
    for path in paths:
        if not path.exists():
            path.write_text("no image")
    browser.call("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])


@pytest.mark.slow
def test_the_command_writes_a_page_and_checks_the_file(make_run, sources, node_modules, tmp_path, capsys):
    run, out = make_run(), tmp_path / "page"
    assert (
        main(
            [
                "export",
                str(run.folder),
                "--calibration",
                str(sources[0]),
                "--web",
                str(out),
                "--node-modules",
                str(node_modules),
            ]
        )
        == 0
    )
    assert "python -m http.server" in capsys.readouterr().out
    assert (out / "parity.json").exists()
    assert b'"model": "encoder.tflite"' in (out / "index.html").read_bytes()


def test_a_page_needs_one_image_a_call_as_floats(encoder, tmp_path):
    free = bk.export.tflite(encoder, tmp_path / "free.tflite", batch=None)
    with pytest.raises(InputError, match=r"one image a call, in float32.*free\.tflite, which takes float32 \[None, 32"):
        write_web_page(free, tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_a_page_is_for_what_a_browser_decodes(encoder, make_encoder, tmp_path):
    bands = bk.export.tflite(make_encoder(channels=4), tmp_path / "bands.tflite")
    with pytest.raises(
        InputError, match=r"A browser decodes images to 8 bits, .*bands\.tflite, which takes 4 channels"
    ):
        write_web_page(bands, tmp_path / "page")
    facts = bk.export.provenance_of(encoder, {"value_range": [0, 4095]})
    deep = bk.export.tflite(encoder, tmp_path / "deep.tflite", provenance=facts)
    with pytest.raises(InputError, match=r"deep\.tflite, which takes 3 channels, values from 0 to 4095"):
        write_web_page(deep, tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_a_page_needs_embeddings(encoder, tmp_path):
    rng = np.random.default_rng(0)
    head = bk.export.LinearHead(rng.normal(size=(48, 2)), np.zeros(2), ("cat", "dog"))
    scores = bk.export.tflite(encoder, tmp_path / "scores.tflite", head=head, scores_only=True)
    with pytest.raises(InputError, match=r"export the file with its embedding\. .*scores\.tflite, which gives scores"):
        write_web_page(scores, tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_what_is_no_encoder_of_images_is_one_line(encoder, tmp_path):
    model = bk.export.tflite(encoder, tmp_path / "encoder.tflite")
    with pytest.raises(InputError, match=r"Cannot read the \.tflite file: No such file .*Received: model='.*absent"):
        write_web_page(tmp_path / "absent.tflite", tmp_path / "page")
    with pytest.raises(InputError, match=r"Cannot read the \.tflite file: Is a directory"):
        write_web_page(tmp_path, tmp_path / "page")
    flat = schema.ModelT.InitFromPackedBuf(model.read_bytes())
    signature = flat.signatureDefs[0]
    for signatures in (None, [signature, signature]):
        flat.signatureDefs = signatures
        builder = flatbuffers.Builder(0)
        builder.Finish(flat.Pack(builder), b"TFL3")
        (tmp_path / "other.tflite").write_bytes(builder.Output())
        with pytest.raises(InputError, match=rf"has one signature.*Received: a file with {len(signatures or [])} sig"):
            write_web_page(tmp_path / "other.tflite", tmp_path / "page")
    sounds = bk.resnet8(input_shape=(64, 96, 1), mean=[0.5], std=[0.2], sample_rate=8000)
    bk.export.sound_tflite(sounds, tmp_path / "sounds.tflite")
    with pytest.raises(InputError, match=r"cuts images to squares\. Received: .*which takes \[1, 7680\]"):
        write_web_page(tmp_path / "sounds.tflite", tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_a_name_with_what_means_something_in_an_address(encoder, tmp_path):
    """Read as a browser reads it: what the address says is the file that is there."""
    builds = [f"core/wasm/{build}.{end}" for build in BUILDS for end in ("js", "wasm")]
    for file in ("core/dist/index.js", "wasm-utils/dist/index.js", *builds):
        path = tmp_path / "node_modules" / "@litertjs" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    for name in ("a#1.tflite", "50%25 ?.tflite", "a:b.tflite", "encoder.tflite"):
        model = bk.export.tflite(encoder, tmp_path / name)
        page = write_web_page(model, tmp_path / "page", tmp_path / "node_modules").read_text()
        config = json.loads(page.split('id="config">')[1].split("</script>")[0])
        address = urllib.parse.urlsplit(urllib.parse.urljoin("http://localhost/", config["address"]))
        assert (address.scheme, address.query, address.fragment) == ("http", "", "")
        assert urllib.parse.unquote(address.path) == f"/{name}"
        assert (tmp_path / "page" / name).read_bytes() == model.read_bytes()
        assert config["model"] == name


def test_what_is_not_litert_js_is_one_line(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"has no core/dist/index\.js there\. Received: node_modules="):
        copy_litert_js(tmp_path / "out", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="there is no npm here: install Node"):
        copy_litert_js(tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Give --out, or --web"),
        (["--out", "a", "--web", "b"], "Give --out, or --web"),
        (["--out", "a", "--node-modules", "b"], "leave out --node-modules b"),
        (["--web", "b", "--quantize", "all"], "A page has one file"),
        (["--web", "b", "--batch", "4"], "one image a call"),
        (["--web", "b", "--format", "onnx"], "A page runs a .tflite"),
        (["--web", "b", "--head", "head.npz", "--scores-only"], "leave out --scores-only"),
    ],
)
def test_flags_that_do_not_go_together_are_one_line(arguments, said, capsys):
    assert main(["export", "runs/photos", *arguments]) == 2
    assert said in capsys.readouterr().err

"""HTML pages that need no other file, from Jinja templates: whatever is filled in is escaped."""

import base64
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from .atomic import atomic_path

_TEMPLATES = Path(__file__).parent / "templates"


def render_page(template: Path, **values: Any) -> str:
    """Fills in a template.

    Args:
        template: Path of the .html. It can extend base.html of `utils/templates`, and include what lies beside itself.
        **values: what the template names; one that it names and does not get is an error.

    Returns:
        str, the whole page.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(values)


def write_page(path: str | os.PathLike, text: str) -> None:
    """Writes a page under its name at once, over an older one."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def data_uri(data: bytes, kind: str) -> str:
    """The address of a file that is inside the page.

    Args:
        data: bytes, the file.
        kind: str, its media type, such as "image/png".
    """
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def png_uri(image: Image.Image | np.ndarray) -> str:
    """The address of an image that is inside the page, as a PNG.

    Args:
        image: PIL.Image, or (H, W, 1 or 3) array, float in [0, 1] or uint8.
    """
    if not isinstance(image, Image.Image):
        image = pil_image(image)
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return data_uri(buffer.getvalue(), "image/png")


def pil_image(pixels: np.ndarray) -> Image.Image:
    """(H, W, 1 or 3) pixels, float in [0, 1] or uint8, for Pillow."""
    if pixels.dtype != np.uint8:
        pixels = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)

"""HTML pages that need no other file: one frame and one style for all of them."""

import base64
import html
import io
import string

import numpy as np
from PIL import Image

_FRAME = string.Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --text: #1f2328; --faint: #59636e; --line: #d1d9e0; --ground: #fff;
  --wrong: #cf222e; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --faint: #9198a1; --line: #3d444d; --ground: #0d1117; --wrong: #ff6b62; }
}
body { max-width: $width; margin: 0 auto; padding: 1rem; font: 16px/1.5 system-ui, sans-serif;
  color: var(--text); background: var(--ground); }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 1rem 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; padding-top: 1rem; border-top: 1px solid var(--line); }
p { max-width: 44rem; margin: .4rem 0 .8rem; }
figure { margin: 0; }
figcaption { color: var(--faint); font-size: .85rem; }
img { display: block; }
.wide { overflow-x: auto; }
.wide img { width: 100%; min-width: 40rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 600; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
pre { overflow-x: auto; padding: .8rem; border: 1px solid var(--line); border-radius: 4px; font-size: .85rem; }
$style
</style>
</head>
<body>
<h1>$title</h1>
$body
</body>
</html>
""")


def page(title, body, style="", width="60rem"):
    """A whole page.

    Args:
        title: str, plain text; the title of the window and the first heading.
        body: str, HTML.
        style: str, CSS after the common one. The colors are var(--text), --faint, --line, --ground and --wrong, in
            a light and a dark form.
        width: str, CSS, of the column at most.

    Returns:
        str.
    """
    return _FRAME.substitute(title=html.escape(title), body=body, style=style, width=width)


def table(header, rows):
    """A table of texts, the first column aligned to the left."""

    def line(cells, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + line(header, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def image(image, alt):
    """An image inside the page.

    Args:
        image: PIL.Image, or (H, W, 1 or 3) float array in [0, 1].
        alt: str, what is in it.
    """
    if not isinstance(image, Image.Image):
        pixels = np.round(np.asarray(image) * 255).astype(np.uint8)
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return png(buffer.getvalue(), alt)


def png(data, alt):
    """The bytes of a .png inside the page."""
    return f'<img src="data:image/png;base64,{base64.b64encode(data).decode()}" alt="{html.escape(alt)}">'

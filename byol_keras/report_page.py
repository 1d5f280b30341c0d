"""The HTML of the report: the page, and the pieces that go into it."""

import base64
import html
import io
import string

import numpy as np
from PIL import Image

PAGE = string.Template("""<!DOCTYPE html>
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
body { max-width: 60rem; margin: 0 auto; padding: 1rem; font: 16px/1.5 system-ui, sans-serif;
  color: var(--text); background: var(--ground); }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 1rem 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; padding-top: 1rem; border-top: 1px solid var(--line); }
p { max-width: 44rem; margin: .4rem 0 .8rem; }
figure { margin: 0; }
figcaption, .name, .query { color: var(--faint); font-size: .85rem; }
img { display: block; }
.wide { overflow-x: auto; }
.wide img { width: 100%; min-width: 40rem; border-radius: 4px; }
.curves { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
.curves img { width: 100%; }
.cards { display: grid; gap: 1.2rem 2rem; grid-template-columns: repeat(auto-fit, minmax(20.5rem, 1fr)); }
.card { display: flex; gap: .8rem; }
.card img { width: 100%; image-rendering: pixelated; border-radius: 2px; }
.query { width: 4.2rem; flex: none; text-align: center; padding-top: 1.35rem; overflow-wrap: anywhere; }
.row { flex: 1; }
.tiles { display: grid; gap: .3rem; grid-template-columns: repeat($columns, 1fr); margin-bottom: .2rem; }
.tile { font-size: .62rem; line-height: 1.3; min-height: 3.4rem; text-align: center; overflow-wrap: anywhere; }
@media (max-width: 30rem) { .query { width: 3rem; font-size: .75rem; } .tile { font-size: .56rem; } }
.wrong { color: var(--wrong); }
.wrong img { outline: 2px solid var(--wrong); outline-offset: -1px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 600; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
pre { overflow-x: auto; padding: .8rem; border: 1px solid var(--line); border-radius: 4px; font-size: .85rem; }
</style>
</head>
<body>
<h1>$title</h1>
<p>$summary</p>

<h2>What the network saw</h2>
<p>Above the pictures, below them two random views of each. The network learned to predict, from one view, what a
slowly following copy of itself makes of the other.</p>
<div class="wide">$views</div>

<h2>How training went</h2>
<div class="curves">$curves</div>

<h2>What was learned</h2>
<p>The frozen embeddings, judged with labels that training never saw: by the vote of the nearest training pictures, and
by a linear classifier. Untrained is the same network with its random weights from before training.</p>
<div class="wide">$accuracy</div>

<h2>Nearest neighbours</h2>
<p>On the left a test picture of each class, beside it the training pictures whose embeddings are nearest by cosine,
nearest first. Those of another class are framed, with their class below. $count</p>
<div class="cards">$neighbours</div>

<h2>Exported files</h2>
<p>Each was opened in a fresh process without Keras and given the same pictures. The difference is to Keras' own
embeddings, as a share of their largest value; the time is the median for one picture, on this machine's processor.</p>
<div class="wide">$exports</div>

<h2>The same with your own pictures</h2>
<p>PICTURES is a folder of pictures; no labels are needed. Only to evaluate, the pictures of each class must be in a
subfolder of their own.</p>
<pre>$commands</pre>
</body>
</html>
""")


def table(header, rows):
    """A table of texts, the first column aligned to the left."""

    def line(cells, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + line(header, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def image(picture, alt):
    """A picture inside the page.

    Args:
        picture: PIL.Image, or (H, W, 1 or 3) float array in [0, 1].
        alt: str, what is in it.
    """
    if not isinstance(picture, Image.Image):
        pixels = np.round(np.asarray(picture) * 255).astype(np.uint8)
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    buffer = io.BytesIO()
    picture.save(buffer, "png")
    return png(buffer.getvalue(), alt)


def png(data, alt):
    """The bytes of a .png inside the page."""
    return f'<img src="data:image/png;base64,{base64.b64encode(data).decode()}" alt="{html.escape(alt)}">'


def curve(epochs, values, name, meaning):
    """A line plot inside the page, of (n,) floats, with what it means below."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    # A grey that can be read on white and on black; the ground lets the page's own through.
    grey = "#808080"
    figure = Figure(figsize=(4, 2.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(epochs, values, color="#3b82c4", marker="o", markersize=3)
    axes.set_title(name, color=grey)
    axes.set_xlabel("epoch", color=grey)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(colors=grey)
    axes.spines[:].set_color(grey)
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160, transparent=True)
    plot = png(buffer.getvalue(), f"{name} by epoch")
    return f"<figure>{plot}<figcaption>{html.escape(meaning)}</figcaption></figure>"


def neighbour_card(query, name, rows):
    """One query picture and rows of its neighbours.

    Args:
        query: (H, W, 1 or 3) float array in [0, 1].
        name: str, its class.
        rows: list of (title, neighbours), neighbours a list of (picture, name of its class).
    """
    lines = []
    for title, neighbours in rows:
        tiles = "".join(_tile(picture, other, other != name) for picture, other in neighbours)
        lines.append(f'<div class="name">{html.escape(title)}</div><div class="tiles">{tiles}</div>')
    return (
        f'<div class="card"><div class="query">{image(query, name)}{html.escape(name)}</div>'
        f'<div class="row">{"".join(lines)}</div></div>'
    )


def _tile(picture, name, wrong):
    if not wrong:
        return f'<div class="tile">{image(picture, name)}</div>'
    return f'<div class="tile wrong">{image(picture, name)}{html.escape(name)}</div>'

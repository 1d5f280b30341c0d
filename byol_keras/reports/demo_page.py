"""The HTML of the report: its style, its body, and the pieces that go into it."""

import html
import io
import string

from ..utils.html import image, png

STYLE = string.Template(""".name, .query { color: var(--faint); font-size: .85rem; }
.wide img { border-radius: 4px; }
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
.wrong img { outline: 2px solid var(--wrong); outline-offset: -1px; }""")

BODY = string.Template("""<p>$summary</p>

<h2>What the network saw</h2>
<p>Above the images, below them two random views of each. The network learned to predict, from one view, what a
slowly following copy of itself makes of the other.</p>
<div class="wide">$views</div>

<h2>How training went</h2>
<div class="curves">$curves</div>

<h2>What was learned</h2>
<p>The frozen embeddings, judged with labels that training never saw: by the vote of the nearest training images, and
by a linear classifier. Untrained is the same network with its random weights from before training.</p>
<div class="wide">$accuracy</div>

<h2>Nearest neighbors</h2>
<p>On the left a test image of each class, beside it the training images whose embeddings are nearest by cosine,
nearest first. Those of another class are framed, with their class below. $count</p>
<div class="cards">$neighbors</div>

<h2>Exported files</h2>
<p>Each was opened in a fresh process without Keras and given the same images. The difference is to Keras' own
embeddings, as a share of their largest value; the time is the median for one image, on this machine's CPU.</p>
<div class="wide">$exports</div>

<h2>The same with your own images</h2>
<p>IMAGES is a folder of images; no labels are needed. Only to evaluate, the images of each class must be in a
subfolder of their own.</p>
<pre>$commands</pre>
""")


def curve(epochs, values, name, meaning):
    """A line plot inside the page, of (n,) floats, with what it means below."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    # A gray that can be read on white and on black; the ground lets the page's own through.
    gray = "#808080"
    figure = Figure(figsize=(4, 2.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(epochs, values, color="#3b82c4", marker="o", markersize=3)
    axes.set_title(name, color=gray)
    axes.set_xlabel("epoch", color=gray)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(colors=gray)
    axes.spines[:].set_color(gray)
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160, transparent=True)
    plot = png(buffer.getvalue(), f"{name} by epoch")
    return f"<figure>{plot}<figcaption>{html.escape(meaning)}</figcaption></figure>"


def neighbor_card(query, name, rows):
    """One query image and rows of its neighbors.

    Args:
        query: (H, W, 1 or 3) float array in [0, 1].
        name: str, its class.
        rows: list of (title, neighbors), neighbors a list of (image, name of its class).
    """
    lines = []
    for title, neighbors in rows:
        tiles = "".join(_tile(pixels, other, other != name) for pixels, other in neighbors)
        lines.append(f'<div class="name">{html.escape(title)}</div><div class="tiles">{tiles}</div>')
    return (
        f'<div class="card"><div class="query">{image(query, name)}{html.escape(name)}</div>'
        f'<div class="row">{"".join(lines)}</div></div>'
    )


def _tile(pixels, name, wrong):
    if not wrong:
        return f'<div class="tile">{image(pixels, name)}</div>'
    return f'<div class="tile wrong">{image(pixels, name)}{html.escape(name)}</div>'

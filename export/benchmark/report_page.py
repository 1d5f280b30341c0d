"""The page of the measured choice."""

import html
import io
import string

from byol_keras.utils.html import page, png, table

from .measure import BATCH, Measurement

STYLE = """.wide { margin: 1.2rem 0; }
table { font-size: .85rem; }
th, td { padding: .3rem .6rem; }"""

BODY = string.Template("""<p>$conditions.</p>
<div class="wide">$chart</div>
<div class="wide">$table</div>
<p>Loading counts from the file to a network ready to run, without the imports. A .tflite file with a batch of 1 is run
$batch times for $batch images. Keras runs in a compiled function, torch a traced and frozen copy. The last column is
what the file keeps of what Keras has: all files were given the same images. On another CPU the order may be
another: run <code>byol-keras export --report</code> there.</p>
""")


def report_page(name: str, conditions: str, rows: list[list[str]], measured: list[Measurement]) -> str:
    """The whole page as text; it needs no other file.

    name: of the encoder. conditions: how it was measured, one line. rows: header and rows of the table.
    """
    body = BODY.substitute(
        conditions=html.escape(conditions),
        chart=chart(measured),
        table=table(rows[0], rows[1:]),
        batch=BATCH,
    )
    return page(f"{name}, exported: which file to ship", body, STYLE, width="68rem")


def chart(measured: list[Measurement]) -> str:
    """Bars of size, latency and throughput, inside the page. The thin line on a bar ends at the 95th percentile."""
    from matplotlib.figure import Figure

    # A gray that can be read on white and on black; the ground lets the page's own through.
    gray = "#808080"
    figure = Figure(figsize=(10.5, 0.8 + 0.38 * len(measured)), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    names = [m.name for m in measured]
    # At the 95th percentile of the time stands the slow end of the throughput.
    slow = [m.images_per_second - 1000 * BATCH / m.batch_p95_ms for m in measured]
    nothing = [0.0] * len(measured)
    late = [m.single_p95_ms - m.single_ms for m in measured]
    columns = (
        ("size, MB", ".1f", [m.size_bytes / 1e6 for m in measured], None),
        ("1 image, ms", ".2f", [m.single_ms for m in measured], (nothing, late)),
        (f"images/s, {BATCH} at a time", ",.0f", [m.images_per_second for m in measured], (slow, nothing)),
    )
    for axes, (title, form, values, spread) in zip(panels, columns, strict=True):
        bars = axes.barh(names, values, xerr=spread, color="#3b82c4", ecolor=gray, height=0.62)
        axes.bar_label(bars, [format(value, form) for value in values], color=gray, padding=4, fontsize=8)
        axes.margins(x=0.18)
        axes.set_title(title, color=gray, fontsize=10)
        axes.tick_params(colors=gray, labelsize=9)
        axes.spines[:].set_color(gray)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160, transparent=True)
    return png(buffer.getvalue(), "size, latency and throughput of each file")

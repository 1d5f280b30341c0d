"""The page of the measured choice."""

from collections.abc import Sequence
from pathlib import Path

from byol_keras.utils.figure import BLUE, GRAY, new_figure, png_bytes, style_axes
from byol_keras.utils.html import data_uri, render_page

from .measurement import BATCH, Measurement

TEMPLATE = Path(__file__).parent / "templates" / "costs_page.html"


def costs_page(name: str, conditions: str, rows: Sequence[Sequence[str]], measured: Sequence[Measurement]) -> str:
    """The whole page as HTML; it needs no other file.

    Args:
        name: str, of the encoder.
        conditions: str, how it was measured, one line.
        rows: header and rows of the table, as texts.
        measured: list of `Measurement`, for the chart.

    Returns:
        str.
    """
    chart = data_uri(_chart(measured), "image/png")
    return render_page(
        TEMPLATE, name=name, conditions=conditions, chart=chart, header=rows[0], rows=rows[1:], batch=BATCH
    )


def _chart(measured):
    """Bars of size, latency and throughput, a .png. The thin line on a bar ends at the 95th percentile."""
    figure = new_figure(10.5, 0.8 + 0.38 * len(measured))
    panels = figure.subplots(1, 3, sharey=True)
    places = range(len(measured))
    # At the 95th percentile of the time stands the slow end of the throughput.
    slow = [m.images_per_second - 1000 * BATCH / m.batch_p95_ms for m in measured]
    nothing = [0.0] * len(measured)
    late = [m.single_p95_ms - m.single_ms for m in measured]
    columns = (
        ("size, MB", ".1f", [m.size_bytes / 1e6 for m in measured], None),
        ("1 image, ms", ".2f", [m.single_ms for m in measured], (nothing, late)),
        (f"images/s, {BATCH} at a time", ",.0f", [m.images_per_second for m in measured], (slow, nothing)),
    )
    for axes, (title, form, values, error) in zip(panels, columns, strict=True):
        bars = axes.barh(places, values, xerr=error, color=BLUE, ecolor=GRAY, height=0.62)
        axes.bar_label(bars, [format(value, form) for value in values], color=GRAY, padding=4, fontsize=8)
        axes.margins(x=0.22)
        style_axes(axes, title)
    panels[0].set_yticks(places, [m.name for m in measured], parse_math=False)
    panels[0].invert_yaxis()
    return png_bytes(figure)

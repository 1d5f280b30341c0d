"""Matplotlib figures that go into a page: readable on white and on black, and without a window."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colors that can be read on both; the ground lets the page's own through.
GRAY = "#808080"
BLUE = "#3b82c4"


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of width x height inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def style_axes(axes: "Axes", title: str = "", size: float = 9) -> None:
    """Makes matplotlib axes plain and gray, with a title above; `size` is that of the numbers, in points."""
    axes.set_title(title, color=GRAY, fontsize=size + 1)
    axes.tick_params(colors=GRAY, labelsize=size)
    axes.spines[:].set_color(GRAY)
    axes.spines[["top", "right"]].set_visible(False)


def png_bytes(figure: "Figure", dpi: int = 160, transparent: bool = True) -> bytes:
    """A matplotlib figure as the bytes of a .png."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, transparent=transparent)
    return buffer.getvalue()

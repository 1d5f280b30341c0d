"""The labeling page. Everything that changes is filled in by page.js, from `label_state`."""

from pathlib import Path

from ....utils.html import render_page

_HERE = Path(__file__).parent / "static"
SCRIPT = (_HERE / "page.js").read_text(encoding="utf-8")


def label_page(token: str) -> str:
    """The page as HTML; `token` is what its requests carry."""
    return render_page(_HERE / "page.html", token=token)

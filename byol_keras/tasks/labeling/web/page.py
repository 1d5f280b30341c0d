"""The labeling page. Everything that changes is filled in by page.js, from `state`."""

import html
from pathlib import Path

from ....utils.html import page

_HERE = Path(__file__).parent / "static"
SCRIPT = (_HERE / "page.js").read_text(encoding="utf-8")
_BODY = (_HERE / "page.html").read_text(encoding="utf-8")
_STYLE = (_HERE / "page.css").read_text(encoding="utf-8")


def label_page(token):
    """The page.

    Args:
        token: str, which its requests carry.

    Returns:
        str, HTML.
    """
    meta = f'<div id="token" data-token="{html.escape(token)}" hidden></div>'
    return page("Which class is this?", meta + _BODY, _STYLE, width="46rem")

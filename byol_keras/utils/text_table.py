"""Tables of text for the terminal and for log files."""

import io
from collections.abc import Collection, Iterable, Sequence

WIDTH = 100_000  # characters, more than any table has: a line that a log file or a grep reads is never wrapped


def text_table(header: Sequence[str], rows: Iterable[Sequence[str]], left: Collection[str] = ()) -> str:
    """Aligned text, a line for the header and one for each row, without colors or frames.

    The widths are those that a terminal shows: Chinese and Japanese characters take two columns each.

    Args:
        header: names of the columns.
        rows: as many cells each; of one line.
        left: names of the columns that are aligned to the left. All others hold numbers, aligned to the right.

    Returns:
        str: the lines, without spaces at their ends and without a line break after the last.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for name in header:
        table.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    text = io.StringIO()
    # Whatever the environment says of colors and widths: the same text in a terminal, a pipe and a notebook. Without
    # markup a file may be called "[red].jpg".
    Console(
        file=text, width=WIDTH, color_system=None, force_terminal=False, force_jupyter=False, markup=False, emoji=False
    ).print(table, highlight=False)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

"""Where results are printed: as wide as the terminal, and wide enough for any table where there is none."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

FILE_WIDTH = 160
WIDE = 240
"""Of a file with long lines, a sentence or a case each."""


def console(file_width: int = FILE_WIDTH) -> "Console":
    """Results, on stdout."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else file_width)


def table(*columns: str) -> "Table":
    """A table without lines; a column whose name ends in `>` is aligned to the right."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        made.add_column(name.rstrip(">"), justify="right" if name.endswith(">") else "left")
    return made

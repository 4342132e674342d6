"""`loanpulse rules copy`: where a lender's own rules begin."""

from pathlib import Path
from typing import Annotated

import typer


def copy(
    into: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Where to; it must not have rule files.")],
) -> None:
    """Copy the catalogue into a directory of one's own, to change it and add to it.

    With the rules come the examples of their pages, and schema.json, by which an editor completes and checks them.
    """
    from loanpulse.rules.copying import copy_catalogue

    count = copy_catalogue(into)
    print(f"{count} rule files are in {into}; nothing uses them before loanpulse rules deploy --rules {into}")

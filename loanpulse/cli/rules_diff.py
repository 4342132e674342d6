"""`loanpulse rules diff`: what other rules would change for people, in words."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli.exits import FAILED, OK

if TYPE_CHECKING:
    from kpi_rules.loader import LoadedFile
    from kpi_rules.rulebook import Rulebook

CATALOGUE = "catalogue"
Side = "A directory of rules, a rule file, or `catalogue` for the one that comes with LoanPulse."


def diff(
    old: Annotated[str, typer.Argument(help=Side)],
    new: Annotated[str, typer.Argument(help="The same, for what is to come.")],
    old_config: Annotated[
        Path | None, typer.Option(help="The organisation's file that goes with OLD, to compare it too.")
    ] = None,
    new_config: Annotated[
        Path | None, typer.Option(help="The organisation's file that goes with NEW.")
    ] = None,
) -> int:
    """Say in words what changes for people between two sets of rules, and whether history is counted anew.

    Like `diff`: exit 0 if they say the same, 1 if they differ, 2 if one of them cannot be read.
    """
    from kpi_rules.book_differences import book_differences
    from loanpulse.rules.difference_lines import lines

    found = book_differences(_book(old, old_config), _book(new, new_config))
    for line in lines(found):
        print(line)
    return FAILED if found else OK


def _book(side: str, config: Path | None) -> "Rulebook":
    from kpi_rules.rulebook import Rulebook
    from streams.runtime.rulebook import read_organisation

    return Rulebook(tuple(_files(side)), read_organisation(config, "UTC"))


def _files(side: str) -> "list[LoadedFile]":
    from streams.runtime.rulebook import read_rule_file, read_rules

    if side == CATALOGUE:
        return read_rules(None)
    path = Path(side)
    return read_rules(path) if path.is_dir() else [read_rule_file(path)]

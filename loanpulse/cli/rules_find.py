"""`loanpulse rules find`: which KPI is meant by the words that people use."""

from typing import Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.exits import FAILED, OK


def find(
    text: Annotated[list[str], typer.Argument(help="Words; all of them must occur.")],
    directory: options.Rules = None,
) -> int:
    """Find KPIs by their wording, what they say, their area or the events they read, the best first; exit 1 if none."""
    import sys

    from rich.markup import escape

    from kpi_rules.aims import aim_of
    from kpi_rules.finding import find as search
    from loanpulse.cli.output import console, table
    from streams.runtime.rulebook import read_rules

    asked = " ".join(text)
    used, found = search(read_rules(options.settings_from(rules=directory).rules), asked)
    if not found:
        print(f"nothing is found for {asked!r}: see loanpulse rules list", file=sys.stderr)
        return FAILED
    if used != " ".join(asked.lower().split()):
        print(f"nothing is found for {asked!r}; this is for {used!r}", file=sys.stderr)
    listed = table("KPI", "in words", "area", "target", "where")
    for each in found:
        rule = each.rule
        where = f"{each.file}:{each.line}"
        listed.add_row(rule.id, escape(rule.wording), escape(each.title), aim_of(rule), escape(where))
    listed.columns[-1].no_wrap = True
    console().print(listed)
    return OK

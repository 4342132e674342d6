"""`loanpulse goals`: how improvement goals stand."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from loanpulse.cli import options
from loanpulse.cli.places import at_work
from loanpulse.cli.show import demand_known, show_board

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from loanpulse.serve.book import Book
    from loanpulse.serve.shown import Shown

Dimension = Literal["officer", "branch"]


def goals(
    by: Annotated[
        Dimension | None, typer.Option(help="The goals that officers or branches have, by member.")
    ] = None,
    kpi: Annotated[list[str] | None, typer.Option(help="Only this KPI; repeatable.")] = None,
    top: Annotated[int, typer.Option(min=1, help="With --by: how many members of each KPI.")] = 20,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, each second, until Ctrl-C.")] = False,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
) -> int:
    """Show each improvement goal: from, to, due, what is expected now on the straight line, the value, the verdict."""
    from loanpulse.cli.goal_tables import goals as table_of
    from loanpulse.cli.goal_tables import goals_of_members
    from loanpulse.lab.apart import run_cancellable

    settings = at_work(options.settings_from(redis=redis, namespace=namespace), "redis")

    def tables(shown: "Shown", width: int) -> "list[Table]":
        snapshot, book = shown
        kpis = chosen(book, kpi or (), by)
        if by is None:
            return [table_of(snapshot, book, width, kpis)]
        return [goals_of_members(snapshot, book, width, kpi, by, top) for kpi in kpis]

    return run_cancellable(show_board(settings, tables, watch=watch))


def chosen(book: "Book", kpis: "Sequence[str]", by: Dimension | None) -> list[str]:
    """The KPIs that have such a goal; typer.BadParameter if a named one has none, or none has any."""
    from loanpulse.serve.goals import with_goals

    demand_known(book, kpis)
    found = with_goals(book, by)
    whose = "" if by is None else f" by {by}"
    for kpi in kpis:
        if kpi not in found:
            raise typer.BadParameter(
                f"{kpi} has no goal{whose}; those that have one: {', '.join(found) or 'none'}"
            )
    if not found:
        raise typer.BadParameter(
            f"no KPI has a goal{whose}: write one into its rule, or into LOANPULSE_CONFIG, and deploy it"
        )
    return [kpi for kpi in found if not kpis or kpi in kpis]

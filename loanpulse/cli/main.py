"""The command `loanpulse`: each subcommand is a module of its own, and imports what it needs when it runs."""

import signal
import sys
from importlib.metadata import version
from types import FrameType
from typing import Annotated

import typer

from loanpulse.cli.board import board
from loanpulse.cli.case import case
from loanpulse.cli.cases import cases
from loanpulse.cli.demo import demo
from loanpulse.cli.dispatch import dispatch
from loanpulse.cli.dlq import dlq
from loanpulse.cli.doctor import doctor
from loanpulse.cli.events import events
from loanpulse.cli.exits import outcome
from loanpulse.cli.explain import explain
from loanpulse.cli.goals import goals
from loanpulse.cli.import_book import import_book
from loanpulse.cli.ledger import ledger
from loanpulse.cli.reconcile import reconcile
from loanpulse.cli.replay import replay
from loanpulse.cli.roster import roster
from loanpulse.cli.rules import rules
from loanpulse.cli.rules_change import deploy, preview, rollback, status, withdraw
from loanpulse.cli.serve import serve
from loanpulse.cli.show import show
from loanpulse.cli.silence import silence, snooze
from loanpulse.cli.simulate import simulate
from loanpulse.cli.topics import topics
from loanpulse.cli.verify import verify
from loanpulse.cli.worker import worker

app = typer.Typer(
    help="Live, correct KPIs of loan operations.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"loanpulse {version('loanpulse')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Live, correct KPIs of loan operations.

    Settings come from LOANPULSE_* variables; an option of the same name wins.
    Exit codes: 0 done, 1 failed or unhealthy, 2 bad input, 130 Ctrl-C.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command()(demo)
app.command()(worker)
app.command()(board)
app.command()(serve)
app.add_typer(dispatch, name="dispatch")
app.command()(simulate)
app.command()(replay)
app.command("import")(import_book)
app.command()(show)
app.command()(goals)
app.command()(cases)
app.command()(case)
app.command()(explain)
app.command()(doctor)
app.command()(verify)
app.command()(reconcile)
app.command()(snooze)
app.add_typer(silence, name="silence")
app.add_typer(roster, name="roster")
app.add_typer(events, name="events")
app.add_typer(ledger, name="ledger")
app.add_typer(dlq, name="dlq")
for change in (preview, deploy, status, rollback, withdraw):
    rules.command()(change)
app.add_typer(rules, name="rules")
app.add_typer(topics, name="topics")


def main() -> None:
    """The entry point; leaves by the exit codes of `loanpulse.cli.exits`."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)
    sys.exit(outcome(lambda: app(prog_name="loanpulse", standalone_mode=False)))


def _leave(number: int, _frame: FrameType | None) -> None:
    """An exception, so that whatever was started is stopped on the way out; asyncio lets this one through."""
    raise SystemExit(128 + number)

"""`loanpulse rules preview, deploy, status, rollback, withdraw`: rules changed while events flow."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from loanpulse.cli import options
from loanpulse.cli.exits import FAILED, OK
from loanpulse.cli.places import at_work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rich.console import Console

    from kpi_rules.rulebook import Rulebook
    from loanpulse.rules.deployment import Deployment, Role
    from loanpulse.rules.preview import Preview
    from streams.runtime.script import Client
    from streams.runtime.settings import Settings

_POLL_SECONDS = 0.5
Dimension = Literal["officer", "branch", "product", "channel"]


def deploy(
    rules: options.Rules = None,
    config: options.Config = None,
    tz: options.Zone = None,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
    wait: Annotated[bool, typer.Option(help="Stay until they are in force.")] = True,
) -> int:
    """Put other rules in force while events flow.

    Workers make the panes of the new rules from the stored cases beside the live ones; once every ledger has them, the
    board shows the new figures. For a day `rules rollback` takes them back at once. Rules that are not SMART, or
    cannot be read, are refused.
    """
    settings = _settings(redis, namespace, rules=rules, config=config, tz=tz)
    book = _smart(settings)
    if book is None:
        return FAILED
    return _run(settings, lambda client: _deploy(settings, client, book, wait=wait))


def preview(
    rules: options.Rules = None,
    config: options.Config = None,
    tz: options.Zone = None,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
    kpi: Annotated[
        list[str] | None, typer.Option(help="Only this KPI, also if it is the same; repeatable.")
    ] = None,
    by: Annotated[Dimension, typer.Option(help="Break the values down by this.")] = "officer",
    window: Annotated[str, typer.Option(help="The window of the breakdown.")] = "30d",
    top: Annotated[int, typer.Option(min=0, help="How many members of each KPI.")] = 10,
) -> int:
    """Show what other rules would say of the stored cases, beside what those in force say; nothing is written."""
    from kpi_rules.model import ALL_WINDOWS
    from streams.runtime.rulebook import read_rulebook

    if window not in ALL_WINDOWS:
        raise typer.BadParameter(f"there is no window {window!r}: it is one of {', '.join(ALL_WINDOWS)}")
    settings = _settings(redis, namespace, rules=rules, config=config, tz=tz)
    book = read_rulebook(settings.rules, settings.config, settings.tz)
    return _run(settings, lambda client: _preview(settings, client, book, kpi or [], by, window, top))


def status(redis: options.Redis = None, namespace: options.Namespace = None) -> int:
    """Show which rules are in force, which are on their way and how far, and which can be gone back to."""
    settings = _settings(redis, namespace)
    return _run(settings, lambda client: _status(settings, client))


def rollback(redis: options.Redis = None, namespace: options.Namespace = None) -> int:
    """Put the rules before in force again, at once; their panes are kept up to date for a day."""
    settings = _settings(redis, namespace)
    return _run(settings, lambda client: _rollback(settings, client))


def withdraw(redis: options.Redis = None, namespace: options.Namespace = None) -> int:
    """Forget rules that are on their way and not yet in force."""
    settings = _settings(redis, namespace)
    return _run(settings, lambda client: _withdraw(settings, client))


def _settings(redis: str | None, namespace: str | None, **others: str | None) -> "Settings":
    return at_work(options.settings_from(redis=redis, namespace=namespace, **others), "redis")


def _run(settings: "Settings", work: "Callable[[Client], Awaitable[int]]") -> int:
    from loanpulse.lab.apart import run_cancellable
    from streams.runtime.redis_client import connect

    async def connected() -> int:
        client = await connect(str(settings.redis))
        try:
            return await work(client)
        finally:
            await client.aclose()

    return run_cancellable(connected())


def _smart(settings: "Settings") -> "Rulebook | None":
    """The rulebook that the settings name; None, and the problems on stderr, if a rule is not SMART."""
    import sys

    from loanpulse.rules.smart import problems
    from streams.runtime.rulebook import read_rulebook

    book = read_rulebook(settings.rules, settings.config, settings.tz)
    found = problems(book.files)
    for problem in found:
        print(problem, file=sys.stderr)
    return None if found else book


async def _deploy(settings: "Settings", client: "Client", book: "Rulebook", *, wait: bool) -> int:
    from loanpulse.cli.output import console
    from streams.runtime.clock import clock_of
    from streams.runtime.in_force import RulesInForce

    out, rules = console(), RulesInForce(client, settings.namespace)
    live = await rules.live()
    await rules.propose(book, clock_of(settings).now_ms())
    if live is not None:
        _tell_differences(live, book)
    if not wait:
        print("on their way: see loanpulse rules status")
        return OK
    if not await _until_shown(settings, client, book.digest, out):
        out.print("somebody else has withdrawn them, or deployed others")
        return FAILED
    out.print(
        f"the rules {book.digest} are in force; for a day `loanpulse rules rollback` takes them back",
        soft_wrap=True,
    )
    return OK


def _tell_differences(old: "Rulebook", new: "Rulebook") -> None:
    from kpi_rules.book_differences import book_differences
    from loanpulse.rules.difference_lines import lines

    for line in lines(book_differences(old, new)):
        print(line)


async def _until_shown(settings: "Settings", client: "Client", digest: str, out: "Console") -> bool:
    """Wait until these rules are in force, and shown if a board runs; False if they are not meant to be any more."""
    import asyncio

    from loanpulse.rules.deployment import deployment

    with out.status("rules are on their way") as shown:
        while True:
            found = await deployment(client, settings.namespace)
            if found.is_live(digest):
                return True
            if digest not in (role.book.digest for role in (found.live, found.next) if role is not None):
                return False
            shown.update(_on_the_way(found))
            await asyncio.sleep(_POLL_SECONDS)


def _on_the_way(found: "Deployment") -> str:
    if not found.board_runs:
        return "no board runs, and it is the board that puts rules in force: start loanpulse board"
    waiting = [ledger for ledger in found.ledgers if not ledger.is_whole]
    said = f"{found.whole} of {len(found.ledgers)} ledgers have the panes of the new rules"
    if not waiting:
        return f"{said}; the board reads them"
    return f"{said}; {waiting[0].topic}/{waiting[0].partition} waits: {waiting[0].waits_for}"


async def _status(settings: "Settings", client: "Client") -> int:
    from loanpulse.cli.output import console
    from loanpulse.rules.deployment import deployment

    out = console()
    found = await deployment(client, settings.namespace)
    if found.live is None:
        out.print("no rules are in force yet: start a worker, which begins with its own")
        return FAILED
    _tell_role(out, "in force", found.live)
    if found.next is not None:
        _tell_role(out, "on their way", found.next)
        _tell_differences(found.live.book, found.next.book)
        for ledger in found.ledgers:
            said = "has their panes" if ledger.is_whole else f"waits: {ledger.waits_for}"
            out.print(f"  {ledger.topic}/{ledger.partition} {said}")
        if not found.board_runs:
            out.print(_on_the_way(found), style="yellow")
    if found.previous is not None and found.until_ms is not None:
        from loanpulse.board.snapshot import iso

        _tell_role(out, "replaced", found.previous)
        out.print(
            f"  `loanpulse rules rollback` goes back to them until {iso(found.until_ms)}", soft_wrap=True
        )
    return OK


def _tell_role(out: "Console", word: str, role: "Role") -> None:
    from loanpulse.board.snapshot import iso

    book = role.book
    out.print(f"{word} since {iso(role.since_ms)}: {book.digest}, {len(book.rules)} rules", soft_wrap=True)


async def _rollback(settings: "Settings", client: "Client") -> int:
    from loanpulse.cli.output import console
    from streams.runtime.clock import clock_of
    from streams.runtime.in_force import RulesInForce

    rules = RulesInForce(client, settings.namespace)
    before = await rules.live()
    entry = await rules.go_back(clock_of(settings).now_ms())
    if before is not None:
        _tell_differences(before, await rules.book(entry.digest))
    out = console()
    await _until_shown(settings, client, entry.digest, out)
    out.print(
        f"the rules {entry.digest} are in force again; for a day `loanpulse rules rollback` undoes that",
        soft_wrap=True,
    )
    return OK


async def _withdraw(settings: "Settings", client: "Client") -> int:
    from streams.runtime.in_force import RulesInForce

    await RulesInForce(client, settings.namespace).withdraw()
    print("withdrawn: the rules in force stay")
    return OK


async def _preview(
    settings: "Settings",
    client: "Client",
    book: "Rulebook",
    kpis: list[str],
    by: str,
    window: str,
    top: int,
) -> int:
    from kpi_rules.names import nearest
    from loanpulse.cli.output import console
    from loanpulse.cli.preview_tables import tables
    from loanpulse.rules.preview import preview as made_by
    from streams.runtime.in_force import NotNow, RulesInForce

    live = await RulesInForce(client, settings.namespace).live()
    if live is None:
        raise NotNow("no rules are in force yet: start a worker, which begins with its own")
    known = {rule.id for rule in (*live.rules, *book.rules)}
    for kpi in kpis:
        if kpi not in known:
            raise typer.BadParameter(f"there is no KPI {kpi!r}{nearest(kpi, known)}")
    out = console()
    with out.status("the stored cases are counted by both rules"):
        made: Preview = await made_by(
            client,
            settings,
            live,
            book,
            kpis=kpis,
            by=by,
            window=window,  # type: ignore[arg-type]  # checked above
        )
    if not made.before and not made.after:
        out.print("these rules say what those in force say")
        return OK
    for shown in tables(made, by, top):
        out.print(shown)
        out.print()
    out.print(f"{made.cases:,} cases were counted; nothing was written", style="dim")
    return OK

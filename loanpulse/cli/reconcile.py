"""`loanpulse reconcile`: a warehouse's own figures against the board's."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.exits import FAILED, OK
from loanpulse.cli.places import at_work

if TYPE_CHECKING:
    from loanpulse.rules.reconciliation import Key, Reconciliation
    from loanpulse.serve.shown import Shown
    from streams.runtime.settings import Settings


def reconcile(
    file: Annotated[
        Path | None, typer.Argument(help="A CSV file: kpi, window, any of officer, branch, …, and figures.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="The file's name for one of ours, as value=figure; repeatable.")
    ] = None,
    template: Annotated[
        bool, typer.Option("--template", help="Print the board's own figures in that form.")
    ] = False,
    kpi: Annotated[list[str] | None, typer.Option(help="With --template: only this KPI; repeatable.")] = None,
    window: Annotated[
        list[str] | None, typer.Option(help="With --template: only this window; repeatable.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many differences of each kind to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
) -> int:
    """Compare figures of your own with the board's: differences by measure and group, the largest first.

    Durations are in seconds (90th percentile), ratios are shares, money is in minor units. Exit 1 if something differs.
    """
    from loanpulse.lab.apart import run_cancellable

    if (file is None) != template:
        raise typer.BadParameter("name a FILE to compare, or --template to write one")
    settings = at_work(options.settings_from(redis=redis, namespace=namespace), "redis")
    shown = run_cancellable(_shown(settings))
    if shown is None:
        return FAILED
    if file is None:
        return _template(shown, kpi or [], window or [])
    return _reconcile(shown, file, dict(_pair(said) for said in column or []), top, as_json=as_json)


def _pair(said: str) -> tuple[str, str]:
    ours, equals, theirs = said.partition("=")
    if not equals:
        raise typer.BadParameter(f"--column is {said!r}: write ours=theirs, such as value=figure")
    return ours.strip(), theirs.strip()


async def _shown(settings: "Settings") -> "Shown | None":
    import sys

    from loanpulse.serve.shown import ShownReader
    from streams.runtime.redis_client import connect

    client = await connect(str(settings.redis))
    try:
        shown = await ShownReader(client, settings.namespace).read()
    finally:
        await client.aclose()
    if shown is None:
        print(f"no board in the namespace {settings.namespace} yet: start loanpulse board", file=sys.stderr)
    return shown


def _template(shown: "Shown", kpis: list[str], windows: list[str]) -> int:
    import csv
    import sys

    from loanpulse.cli.show import demand_known
    from loanpulse.rules.reconciliation import demand_windows, template

    demand_known(shown.book, kpis)
    demand_windows(windows)
    csv.writer(sys.stdout, lineterminator="\n").writerows(template(*shown, kpis, windows))
    return OK


def _reconcile(shown: "Shown", file: Path, columns: dict[str, str], top: int, *, as_json: bool) -> int:
    import json
    from dataclasses import asdict

    from loanpulse.lab.failures import InputError
    from loanpulse.rules.reconciliation import read_figures, reconcile

    try:
        text = file.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(error.strerror or str(error), file=str(file)) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text: {error.reason}", file=str(file)) from None
    theirs = read_figures(str(file), text.splitlines(), shown.book, columns)
    found = reconcile(theirs, *shown)
    if as_json:
        print(json.dumps(asdict(found)))
    else:
        _tell(found, shown, top)
    return OK if found.is_well else FAILED


def _tell(found: "Reconciliation", shown: "Shown", top: int) -> None:
    from loanpulse.board.snapshot import iso
    from loanpulse.cli.output import console, table

    out = console()
    if found.deviations:
        made = table("KPI", "window", "of", "figure", "yours>", "the board's>", "difference>")
        for one in found.deviations[:top]:
            ours = "–" if one.ours is None else f"{one.ours:,.10g}"
            kpi, window, group = one.key
            made.add_row(kpi, window, _of(group), one.figure, f"{one.theirs:,.10g}", ours, f"{one.size:.2%}")
        out.print(made)
    _tell_keys("only in the file", found.only_theirs, top)
    _tell_keys("only on the board", found.only_ours, top)
    out.print(
        f"{found.agree:,} figures agree, {len(found.deviations):,} differ; only in the file {len(found.only_theirs):,} rows,"
        f" only on the board {len(found.only_ours):,}; windows end at {iso(shown.snapshot.meta.to_ms)}"
    )


def _tell_keys(word: str, keys: "list[Key]", top: int) -> None:
    for kpi, window, group in keys[:top]:
        print(f"{word}: {kpi} {window} {_of(group)}")
    if len(keys) > top:
        print(f"{word}: and {len(keys) - top:,} more")


def _of(group: "tuple[tuple[str, str], ...]") -> str:
    return ", ".join(f"{part} {name}" for part, name in group) or "organisation"

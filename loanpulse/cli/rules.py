"""`loanpulse rules`: what is measured, and whether it is well defined."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.exits import FAILED, OK
from loanpulse.cli.rules_copy import copy
from loanpulse.cli.rules_diff import diff
from loanpulse.cli.rules_find import find
from loanpulse.cli.rules_prometheus import prometheus
from loanpulse.cli.rules_schema import schema

if TYPE_CHECKING:
    from kpi_rules.loader import LoadedFile

rules = typer.Typer(help="What is measured, and whether it is well defined.")
rules.command()(copy)
rules.command()(diff)
rules.command()(find)
rules.command()(prometheus)
rules.command()(schema)


@rules.command("list")
def list_rules(directory: options.Rules = None) -> None:
    """List all rules by responsibility area."""
    from kpi_rules.aims import aim_of
    from loanpulse.cli.output import console, table

    out = console()
    for loaded in _files(directory):
        out.print(f"[bold]{loaded.content.title}[/]  ({loaded.content.kra})")
        listed = table("KPI", "in words", "kind", "unit", "target")
        for rule in loaded.content.rules:
            listed.add_row(rule.id, rule.wording, rule.measure.kind, rule.unit, aim_of(rule))
        out.print(listed)
        out.print()


@rules.command()
def show(
    kpi: Annotated[str, typer.Argument(help="The rule's id, such as turnaround_time.")],
    directory: options.Rules = None,
) -> None:
    """Show one rule: where it stands, what it says, and its definition."""
    import yaml

    from kpi_rules.names import nearest

    files = _files(directory)
    known = [rule.id for loaded in files for rule in loaded.content.rules]
    if kpi not in known:
        raise typer.BadParameter(f"there is no rule {kpi!r}{nearest(kpi, known)}")
    for loaded in files:
        for number, rule in enumerate(loaded.content.rules):
            if rule.id == kpi:
                print(f"# {loaded.name}:{loaded.line(('rules', number))}, {loaded.content.title}")
                document = rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)
                print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100), end="")


@rules.command()
def pages(
    into: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="Where kpis.md and kpis/*.md are written.")
    ],
    directory: options.Rules = None,
) -> None:
    """Write pages for those who read the figures: of each KPI what it means, its formula, its target and a worked number.

    The numbers are worked out of examples/*.yaml beside the rules.
    """
    from loanpulse.pages.write import made, write

    settings = options.settings_from(rules=directory)
    texts = made(settings.rules)
    write(texts, into)
    print(f"{len(texts)} pages in {into}: begin with kpis.md")


@rules.command()
def lint(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Rule files, or directories of them; left out, those that --rules names."),
    ] = None,
    directory: options.Rules = None,
) -> int:
    """Check that rules can be read and are SMART; exit 2 if one cannot be read, 1 if one is not SMART."""
    from kpi_rules.loader import rulebook
    from loanpulse.rules.smart import problems

    files = _read(paths) if paths else _files(directory)
    rulebook(files)
    found = problems(files)
    for problem in found:
        print(problem)
    if found:
        return FAILED
    print(f"{sum(len(loaded.content.rules) for loaded in files)} rules in {len(files)} files are SMART")
    return OK


def _files(directory: str | None) -> "list[LoadedFile]":
    from streams.runtime.rulebook import read_rules

    return read_rules(options.settings_from(rules=directory).rules)


def _read(paths: list[Path]) -> "list[LoadedFile]":
    from streams.runtime.rulebook import read_rule_file, read_rules

    return [
        loaded for path in paths for loaded in (read_rules(path) if path.is_dir() else [read_rule_file(path)])
    ]

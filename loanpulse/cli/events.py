"""`loanpulse events`: what may come in, for those who write producers."""

from pathlib import Path
from typing import Annotated

import typer

events = typer.Typer(help="What may come in, for those who write producers.")


@events.command("list")
def list_types() -> None:
    """List the event types by topic, with their own fields."""
    from loanpulse.cli.output import console, table
    from schemas.registry import EVENT_TYPES, TOPICS

    out = console()
    for topic in TOPICS:
        listed = table("type", "fields of data, beside the key and whom it names")
        for name, kind in EVENT_TYPES.items():
            if kind.topic == topic:
                listed.add_row(name, ", ".join(kind.fields))
        out.print(f"[bold]{topic}[/]")
        out.print(listed)
        out.print()


@events.command()
def schema(
    type_name: Annotated[
        str | None, typer.Argument(metavar="TYPE", help="An event type, such as loan.funded.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write TYPE.json of one type, or of all, into this directory.")
    ] = None,
) -> None:
    """Print an event type's JSON Schema (draft 2020-12), envelope and all; with --out write files."""
    import json

    from kpi_rules.names import nearest
    from loanpulse.lab.failures import InputError
    from schemas.json_schema import json_schemas

    schemas = json_schemas()
    if type_name is not None and type_name not in schemas:
        raise typer.BadParameter(f"there is no event type {type_name!r}{nearest(type_name, schemas)}")
    if type_name is None and out is None:
        raise typer.BadParameter("name a TYPE, or a directory for all of them with --out")
    chosen = {name: json.dumps(schemas[name], indent=2) for name in ([type_name] if type_name else schemas)}
    if out is None:
        print(*chosen.values())
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in chosen.items():
            (out / f"{name}.json").write_text(text + "\n", "utf-8")
    except OSError as error:
        raise InputError(error.strerror or str(error), file=str(out), field="--out") from None
    print(f"{len(chosen)} schemas are in {out}")

"""The tables of the documentation, made from the code: `python -m tests.docs_tables` writes them into the pages.

A table stands between `<!-- table: name -->` and `<!-- end -->`; a page's other text is written by hand.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from loanpulse.cli.main import app
from loanpulse.deploy.installation import Installation, span
from loanpulse.deploy.made import alerts
from loanpulse.deploy.recordings import RECORDINGS
from loanpulse.deploy.wanted import wanted
from loanpulse.doctor.examine import CHECKS
from loanpulse.pages.write import made, write
from loanpulse.serve.exporter import SUFFIXES
from loanpulse.serve.families import KPI_FAMILIES, Family
from loanpulse.serve.health_families import HEALTH_FAMILIES
from schemas.fields import CURRENCY_PATTERN, ID_PATTERN
from schemas.registry import CUSTOMER, EVENT_TYPES, LOAN, STAFF, EventType
from streams.runtime import keys
from streams.runtime.rulebook import read_rulebook
from streams.runtime.settings import Settings, environ_of, variable

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
REGION = re.compile(r"(?<=<!-- table: )(\S+) -->\n(.*?)(?=<!-- end -->)", re.DOTALL)
SEPARATORS = re.compile(r"\s+")
SWITCHES = {"True": "on", "False": "off"}
MANY = 7  # more families than one scope has units


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(text) for text in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return SEPARATORS.sub(" ", text).replace("|", "\\|").strip()


def settings() -> str:
    defaults = environ_of(Settings())
    return table(
        ("variable", "default", "meaning"),
        (
            (f"`{variable(name)}`", _default(defaults.get(variable(name), "")), str(field.description))
            for name, field in Settings.model_fields.items()
        ),
    )


def _default(text: str) -> str:
    return f"`{SWITCHES.get(text, text)}`" if text else "none"


def commands() -> str:
    return table(
        ("command", "what it does", "arguments and options of its own"),
        _commands(typer.main.get_command(app)),
    )


def _commands(command: Any, path: str = "loanpulse") -> Iterator[Sequence[str]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, f"{path} {name}")
    if not hasattr(command, "commands") or (command.invoke_without_command and path != "loanpulse"):
        says = str(command.help).split("\n\n")[0]
        yield f"`{path}`", says, "; ".join(_parameters(command)) or "none"


def _parameters(command: Any) -> Iterator[str]:
    for parameter in command.params:
        if parameter.name == "help" or (parameter.param_type_name == "option" and _is_setting(parameter)):
            continue
        name = (
            parameter.opts[0]
            if parameter.param_type_name == "option"
            else parameter.metavar or parameter.name.upper()
        )
        needed = ", needed" if parameter.required else ""
        yield f"`{name}`{needed}{': ' + parameter.help.rstrip('.') if parameter.help else ''}"


def _is_setting(option: Any) -> bool:
    return option.opts[0].removeprefix("--").replace("-", "_") in Settings.model_fields


def _sentences(family: Family) -> list[str]:
    return re.split(r"(?<=\.) ", family.help)


def _shared() -> list[str]:
    """What the help of many families says alike, in order: it is told once."""
    said = Counter(sentence for family in KPI_FAMILIES for sentence in _sentences(family))
    return [sentence for sentence, often in said.items() if often >= MANY]


def shared() -> str:
    return "".join(f"* {sentence}\n" for sentence in _shared())


def families(listed: Iterable[Family]) -> str:
    shared = _shared()
    return table(
        ("family", "type", "labels", "meaning"),
        (
            (
                f"`{family.name}{SUFFIXES.get(family.type, '')}`",
                family.type,
                ", ".join(f"`{label}`" for label in family.labels) or "none",
                " ".join(said for said in _sentences(family) if said not in shared),
            )
            for family in listed
        ),
    )


def event_types(topic: str) -> str:
    return table(
        ("type", "case", "its own fields", "which one counts", "remarks"),
        (_event_type(event_type) for event_type in EVENT_TYPES.values() if event_type.topic == topic),
    )


def _event_type(event_type: EventType) -> Sequence[str]:
    schema = event_type.data.model_json_schema()
    fields = (_field(name, schema) for name in event_type.data.model_fields if _is_own(event_type, name))
    marks = ("Opens its case. " if event_type.opening else "") + ("Carrier. " if event_type.carrier else "")
    remarks = marks + str(event_type.data.__doc__)
    return f"`{event_type.name}`", event_type.kind, ", ".join(fields) or "none", _counts(event_type), remarks


def _is_own(event_type: EventType, name: str) -> bool:
    return name in event_type.fields or (name == "product" and _needs_product(event_type))


def _needs_product(event_type: EventType) -> bool:
    return event_type.data.model_fields["product"].is_required()


def _counts(event_type: EventType) -> str:
    if event_type.per == "event":
        return "each event is a fact"
    which = "first" if event_type.first else "last"
    return f"{which} per `{event_type.per}`" if event_type.per else which


def _field(name: str, schema: Mapping[str, Any]) -> str:
    optional = "" if name in schema.get("required", ()) else "?"
    return f"`{name}{optional}: {_kind(schema['properties'][name])}`"


def _kind(schema: Mapping[str, Any]) -> str:
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    (kind,) = options
    if "enum" in kind:
        return " / ".join(kind["enum"])
    if kind["type"] == "integer":
        return f"int {kind['minimum']}..{kind['maximum']}"
    if kind["type"] == "boolean":
        return "bool"
    if kind.get("format") == "date-time":
        return "time"
    return {ID_PATTERN: "id", CURRENCY_PATTERN: "currency"}[kind["pattern"]]


def redis_keys() -> str:
    lines = [line for line in str(keys.__doc__).splitlines() if line.startswith("|")]
    return "\n".join(lines) + "\n"


def checks() -> str:
    rows = ((f"`{name}`", str(check.__doc__).split("\n\n")[0]) for name, check in CHECKS.items())
    return table(("check", "what is well"), rows)


def alert_table() -> str:
    """One row for each name; the expression is that of the first KPI."""
    found = {
        alert.name: alert for alert in reversed(alerts(read_rulebook(None, None, "UTC"), Installation()))
    }
    return table(
        ("alert", "severity", "for", "meaning", "expression"),
        (
            (f"`{alert.name}`", alert.severity, span(alert.held_seconds), alert.means, f"`{alert.expr}`")
            for alert in reversed(found.values())
        ),
    )


def alerting_kpis() -> str:
    book = read_rulebook(None, None, "UTC")
    return table(
        ("KPI", "window", "for", "open cases alert too"),
        (
            (
                f"`{rule.rule.id}`",
                rule.window or "none",
                span(rule.held_seconds) if rule.window else "none",
                "yes" if rule.is_watched else "",
            )
            for rule in wanted(book)
            if rule.window or rule.is_watched
        ),
    )


def recording_table() -> str:
    return table(("recorded", "what it is"), ((f"`{rule.name}`", f"`{rule.expr}`") for rule in RECORDINGS))


TABLES: Mapping[str, Callable[[], str]] = {
    "settings": settings,
    "commands": commands,
    "kpi-help": shared,
    "kpi-families": lambda: families(KPI_FAMILIES),
    "health-families": lambda: families(HEALTH_FAMILIES),
    "loan-events": lambda: event_types(LOAN),
    "customer-interactions": lambda: event_types(CUSTOMER),
    "staff-activity": lambda: event_types(STAFF),
    "redis-keys": redis_keys,
    "checks": checks,
    "alerts": alert_table,
    "alerting-kpis": alerting_kpis,
    "recordings": recording_table,
}


def pages() -> list[Path]:
    """The README and every page of docs/, decisions left out."""
    return [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


def written(text: str) -> str:
    """A page with its tables as the code has them now."""
    return REGION.sub(lambda found: f"{found[1]} -->\n{TABLES[found[1]]()}", text)


def kpis() -> dict[str, str]:
    """The pages about KPIs, by their name below docs/."""
    return made(None)


if __name__ == "__main__":
    write(kpis(), DOCS)
    for path in pages():
        path.write_text(written(path.read_text()))

"""A page for each key responsibility area, and the index that leads to them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kpi_rules.facts import FACTS
from kpi_rules.loader import LoadedFile
from kpi_rules.measures import DurationMeasure
from kpi_rules.model import Rule, RuleFile
from kpi_rules.organisation import Organisation
from loanpulse.pages.examples import Told
from loanpulse.pages.formula import formula_of
from loanpulse.pages.story import counted, happened
from loanpulse.pages.tables import table
from loanpulse.pages.wanted import goal_words, target_words, verdict_words, window_words

FOLDER, INDEX = "kpis", "kpis.md"
MADE = "<!-- Made by `loanpulse rules pages` from the rules and their examples: change those, then make it anew. -->\n"
NEVER = "–"
"""No such thing."""
HEAD = """\
# The KPIs

What LoanPulse measures, by key responsibility area. Each name leads to what it means, its formula, its target and a
small number worked out by the engine. A KPI whose name has a dot is a measure beside another one. Your own rules have
such pages, too: `loanpulse rules pages DIRECTORY`.

Where nothing can be divided there is no value, which is not the same as 0. Windows of hours and days end now; today,
this month and this quarter begin at local midnight. What is corrected later is counted as if it had always been so.

Four things are told by several events together. A loan is *in default* when it was reported so, or more than 90 days
past due, whichever came first, unless it was repaid by then. It *ends* when it is repaid or goes into default, whichever
comes first. It is *on the book* when it was paid out or reported, is not repaid and has a balance, which is the last
one reported. A complaint is *resolved* by the first resolution after its last reopening.
"""
UNITS = {
    "seconds": "time",
    "ratio": "per cent",
    "score": "points",
    "count": "a number",
    "amount_minor": "money",
}
KIND_UNITS = {"growth": "change in per cent", "per_head": "a number for each officer"}


def pages(
    files: Sequence[LoadedFile], examples: Mapping[str, Told], organisation: Organisation
) -> dict[str, str]:
    """The text of each page by its name: the index and, in a folder beside it, a page for each area."""
    made = {INDEX: index(files)}
    for loaded in files:
        made[f"{FOLDER}/{loaded.content.kra}.md"] = _area(loaded.content, examples, organisation)
    return made


def index(files: Iterable[LoadedFile]) -> str:
    return f"{MADE}{HEAD}" + "".join(_listed(loaded.content) for loaded in files)


def _listed(area: RuleFile) -> str:
    rows = [
        (
            f"[{rule.wording}]({FOLDER}/{area.kra}.md#{_anchor(rule)})",
            f"`{rule.id}`",
            unit_words(rule),
            target_words(rule),
        )
        for rule in area.rules
    ]
    title = f"\n## [{area.title}]({FOLDER}/{area.kra}.md)\n\n"
    return title + table(("KPI", "id", "in", "target"), rows)


def _anchor(rule: Rule) -> str:
    """What a heading is called in a link, as GitHub does it."""
    kept = (c if c.isalnum() or c in "_-" else "-" if c == " " else "" for c in rule.wording.lower())
    return "".join(kept)


def unit_words(rule: Rule) -> str:
    words = KIND_UNITS.get(rule.measure.kind, UNITS[rule.unit])
    business = isinstance(rule.measure, DurationMeasure) and rule.measure.clock == "business"
    return f"business {words}" if business else words


def _area(area: RuleFile, examples: Mapping[str, Told], organisation: Organisation) -> str:
    told: dict[int, str] = {}
    head = f"{MADE}# {area.title}\n\n[All KPIs](../{INDEX})\n"
    sections = (_kpi(rule, examples.get(rule.id), organisation, told) for rule in area.rules)
    return head + "".join(f"\n{section}" for section in sections)


def _kpi(rule: Rule, example: Told | None, organisation: Organisation, told: dict[int, str]) -> str:
    """One KPI; events that an earlier KPI of the page has told are not told again."""
    parts = [f"## {rule.wording}\n", f"{rule.says}\n"]
    if rule.relevant:
        parts.append(f"*Why it matters:* {rule.relevant}\n")
    parts.append("".join(f"* **{name}:** {words}\n" for name, words in _facts(rule)))
    if example is not None:
        parts += _worked(rule, example, organisation, told)
    return "\n".join(parts)


def _facts(rule: Rule) -> Iterator[tuple[str, str]]:
    formula = formula_of(rule)
    yield "Formula", f"{formula.upper} **/** {formula.lower}" if formula.lower else formula.upper
    yield "Counted", formula.counted
    if isinstance(rule.measure, DurationMeasure):
        yield "Clock", _clock(rule.measure)
    yield (
        "Broken down by",
        ", ".join([*rule.dimensions, *([f"{rule.split} (each by itself)"] if rule.split else [])]),
    )
    yield "Windows", window_words(rule)
    yield "Shown in", unit_words(rule)
    yield "Target", target_words(rule)
    if rule.goal is not None:
        yield "Goal", goal_words(rule.goal, rule)
    yield "Verdict", verdict_words(rule)
    yield "Id", f"`{rule.id}`"
    yield "Read from", ", ".join(f"`{name}`" for name in _events(rule)) + " ([events](../events.md))"
    yield "In Prometheus", "; ".join(_series(rule))


def _clock(measure: DurationMeasure) -> str:
    if measure.clock == "calendar":
        return "plain time, day and night"
    pauses = " and while ".join(pause.reason for pause in measure.pauses)
    return "opening hours of the branch's own calendar, else of the organisation's" + (
        f"; it stands still while {pauses}" if pauses else ""
    )


def _events(rule: Rule) -> list[str]:
    """The event types that a rule's facts are read from, besides those that only say whose a case is."""
    said = json.dumps(rule.measure.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    named = [fact for name, fact in FACTS.items() if re.search(rf'"{name}["\.]', said)]
    return list(dict.fromkeys(event for fact in named for event in fact.reads))


def _series(rule: Rule) -> Iterator[str]:
    window = "30d" if rule.timed and "30d" in rule.windows else rule.windows[0] if rule.timed else "now"
    labels = f'kpi="{rule.id}",window="{window}"'
    more = ',quantile="0.9"' if rule.unit == "seconds" else ""
    more += f',{rule.split}="EUR"' if rule.split == "currency" else ""
    more += f',{rule.split}="high"' if rule.split == "severity" else ""
    yield f"`loanpulse_kpi_{rule.unit}{{{labels}{more}}}`"
    yield f"of each branch `loanpulse_branch_{rule.unit}`"
    listed = [w for w in rule.officers_in_metrics if w in rule.windows]
    if listed:
        windows = ", ".join(listed) if rule.timed else "now"
        yield f"of each officer `loanpulse_officer_{rule.unit}` ({windows})"


def _worked(rule: Rule, example: Told, organisation: Organisation, told: dict[int, str]) -> Iterator[str]:
    yield f"**An example.** {example.title}.\n" if example.title else "**An example.**\n"
    before = told.get(id(example))
    if before is None:
        told[id(example)] = rule.wording
        yield happened(example)
    else:
        yield f"The events are those of “{before}” above.\n"
    yield from counted(rule, example, organisation)

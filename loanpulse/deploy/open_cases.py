"""Alerts about open cases: how many are at risk or breached, by branch, so that each branch can be told its own."""

from typing import Literal

from kpi_rules.aims import targets_text
from loanpulse.deploy import recordings
from loanpulse.deploy.alert import KEPT_SECONDS, PREFIX, Alert, Group, Proof, Seen, Token
from loanpulse.deploy.installation import Installation
from loanpulse.deploy.links import BRANCH, BRANCH_TOKENS, cases_url, kpi_url, runbook_url
from loanpulse.deploy.scenes import always, selected, shown_by_all
from loanpulse.deploy.wanted import Wanted
from schemas.alert import SEVERITIES

Band = Literal["at_risk", "breached"]
NAMES: dict[Band, str] = {"at_risk": "CasesAtRisk", "breached": "CasesBreached"}
_SAID: dict[Band, str] = {"at_risk": "near their due time", "breached": "past their due time"}
_COUNT = Token('{{ $value | printf "%.0f" }}', "3")


def open_cases(rules: list[Wanted], at: Installation) -> Group:
    """Two alerts for each rule whose open cases run against a due time."""
    alerts = (_alert(wanted, band, at) for wanted in rules if wanted.is_watched for band in NAMES)
    return Group("loanpulse-cases", recordings.OF_CASES, tuple(alerts))


def _alert(wanted: Wanted, band: Band, at: Installation) -> Alert:
    rule = wanted.rule
    due = targets_text(wanted.targets, rule.unit) if rule.unit == "seconds" else "each by its due time"
    return Alert(
        name=PREFIX + NAMES[band],
        expr=_expression(rule.id, band),
        held_seconds=0.0,
        severity=SEVERITIES[band],
        means=f"Open cases of a KPI are {_SAID[band]}.",
        proofs=_proofs(rule.id, band),
        annotations={
            "summary": f"{rule.wording}: <count> open {band.replace('_', ' ')}<in_branch>",
            "description": f"<count> open cases<in_branch> are {_SAID[band]}. {rule.says}",
            "value": "<count>",
            "target": due,
            "unit": "open cases",
            "dashboard_url": kpi_url(at, rule.id),
            "cases_url": cases_url(at, rule.id, of_branch=True),
            "runbook_url": runbook_url(at, NAMES[band]),
        },
        labels={"kra": wanted.kra, "kpi": rule.id},
        tokens={"count": _COUNT, **BRANCH_TOKENS},
        kept_seconds=KEPT_SECONDS,
        quiet=(_others(rule.id, band),),
    )


def _expression(kpi: str, band: Band) -> str:
    """By branch; and those that no branch shows: they have none, or the budget has no room for branches."""
    branch = selected(recordings.BRANCH_OPEN.name, kpi=kpi, band=band)
    whole = selected(recordings.OPEN.name, kpi=kpi, band=band)
    return f"{branch} > 0\nor\n({whole} - sum without (branch) ({branch}) or {whole}) > 0"


def _proofs(kpi: str, band: Band) -> tuple[Proof, ...]:
    labels = {"kpi": kpi, "band": band}
    whole = shown_by_all("loanpulse_open_cases", labels, 0, 3, 0)
    branch, none = (
        shown_by_all("loanpulse_branch_open_cases", labels | {"branch": BRANCH}, 0, cases, 0)
        for cases in (3, 0)
    )
    nameless = {"in_branch": "", "of_branch": ""}
    return (
        Proof((*branch, *whole), labels={"band": band, "branch": BRANCH}),
        Proof((*none, *whole), labels={"band": band}, shown=nameless),
        Proof(whole, labels={"band": band}, shown=nameless),
    )


def _others(kpi: str, band: Band) -> tuple[Seen, ...]:
    """Cases of every other band."""
    bands = [other for other in ("on_track", "warning", *NAMES, "paused") if other != band]
    return (
        *always("loanpulse_open_cases", 0, kpi=kpi, band=band),
        *(seen for other in bands for seen in always("loanpulse_open_cases", 7, kpi=kpi, band=other)),
        *(
            seen
            for other in bands
            for seen in always("loanpulse_branch_open_cases", 7, kpi=kpi, band=other, branch=BRANCH)
        ),
    )

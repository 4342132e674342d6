"""Alerts about values: a windowed KPI off target, for as long as its rule says."""

from collections.abc import Mapping

from kpi_rules.model import Rule
from loanpulse.deploy import recordings
from loanpulse.deploy.alert import KEPT_SECONDS, PREFIX, Alert, Group, Level, Proof, Seen, Token
from loanpulse.deploy.installation import Installation
from loanpulse.deploy.links import cases_url, kpi_url, runbook_url
from loanpulse.deploy.scenes import always, selected, shown_by_all
from loanpulse.deploy.units import form_of
from loanpulse.deploy.wanted import Wanted
from loanpulse.serve.verdict import State, fewest
from schemas.alert import SEVERITIES

OFF_TARGET = "KpiOffTarget"
_BAD = {"seconds": 147_600.0, "ratio": 0.3125, "score": 3.5, "count": 3.0, "amount_minor": 1_234_500.0}
_BOUND = {"seconds": 144_000.0, "ratio": 0.5, "score": 4.5, "count": 5.0, "amount_minor": 2_000_000.0}
_SPLITS = {"currency": "EUR", "severity": "high"}
_WORDS = {"at_least": "at least", "at_most": "at most"}
_QUANTILE = {"quantile": "0.9"}
Levels = tuple[Level, Level, Level]


def figures(rules: list[Wanted], at: Installation) -> Group:
    """One alert for each rule with a target, unless the rule wants none."""
    alerts = (_off_target(wanted, window, at) for wanted in rules if (window := wanted.window) is not None)
    return Group("loanpulse-kpis", recordings.OF_FIGURES, tuple(alerts))


def _off_target(wanted: Wanted, window: str, at: Installation) -> Alert:
    rule = wanted.rule
    samples = f", from {fewest(rule)} observations or more" if fewest(rule) else ""
    annotations = {
        "summary": f"{rule.wording} off target: <value>, wanted <target>",
        "description": f"{rule.says} In the window {window} it is <value>{samples}.",
        "value": "<value>",
        "target": "<target>",
        "unit": form_of(rule).unit,
        "dashboard_url": kpi_url(at, rule.id),
        "runbook_url": runbook_url(at, OFF_TARGET),
    }
    if wanted.is_watched:
        annotations["cases_url"] = cases_url(at, rule.id)
    return Alert(
        name=PREFIX + OFF_TARGET,
        expr=_expression(rule, window),
        held_seconds=wanted.held_seconds,
        severity=SEVERITIES["off_target"],
        means="A KPI's value is off its target, from enough observations for a verdict.",
        proofs=(_proof(wanted, window),),
        annotations=annotations,
        labels={"kra": wanted.kra, "kpi": rule.id},
        tokens={"value": Token(form_of(rule).of_alert(), _shown(rule, _BAD)), "target": _target(wanted)},
        kept_seconds=max(wanted.held_seconds, KEPT_SECONDS),
        quiet=_quiet(wanted, window),
    )


def _expression(rule: Rule, window: str) -> str:
    chosen = {"kpi": rule.id, "window": window}
    value = recordings.VALUES[rule.unit].name
    if rule.unit == "seconds":
        value = f"max without (quantile) ({selected(value, **chosen, **_QUANTILE)})"
    else:
        value = selected(value, **chosen)
    lines = [
        value + form_of(rule).scaling,
        f"and {selected(recordings.STATUS.name, **chosen)} == {State.OFF_TARGET.value}",
    ]
    if fewest(rule):
        lines.append(f"and {selected(recordings.SAMPLES.name, **chosen)} >= {fewest(rule)}")
    return "\n".join(lines)


def _shown(rule: Rule, values: Mapping[str, float]) -> str:
    """What a proof sees of the value of the rule's unit."""
    form = form_of(rule)
    return form.shown(values[rule.unit] / form.divisor) + (" EUR" if form.named else "")


def _target(wanted: Wanted) -> Token:
    """The bounds in force when the alert fires, as the metric has them."""
    rule, templates = wanted.rule, []
    form = form_of(rule)
    for bound in wanted.bounds:
        asked = (
            f"max without (instance) (loanpulse_kpi_target{{kpi='{rule.id}',bound='{bound}'}}){form.scaling}"
        )
        said = f"{_WORDS[bound]} {{{{ . | first | value | {form.template} }}}}{form.named}"
        templates.append(f'{{{{ with query "{asked}" }}}}{said}{{{{ end }}}}')
    shown = [f"{_WORDS[bound]} {_shown(rule, _BOUND)}" for bound in wanted.bounds]
    return Token(" and ".join(templates), " and ".join(shown))


def _proof(wanted: Wanted, window: str) -> Proof:
    levels: Levels = (State.ON_TARGET, State.OFF_TARGET, State.ON_TARGET)
    scene = _scene(wanted, window, levels, fewest(wanted.rule))
    return Proof(scene, labels={"window": window} | _split(wanted.rule))


def _quiet(wanted: Wanted, window: str) -> tuple[tuple[Seen, ...], ...]:
    """Nearly off target; off target in a window that does not count; off target with one observation too few."""
    enough = fewest(wanted.rule)
    off: Levels = (State.OFF_TARGET,) * 3
    return (
        _scene(wanted, window, (State.WARNING,) * 3, enough),
        _scene(wanted, "another", off, enough),
        *([_scene(wanted, window, off, enough - 1)] if enough else []),
    )


def _scene(wanted: Wanted, window: str, status: Levels, samples: int) -> tuple[Seen, ...]:
    rule = wanted.rule
    labels = {"kpi": rule.id, "window": window} | _split(rule)
    value = labels | (_QUANTILE if rule.unit == "seconds" else {})
    bad = _BAD[rule.unit]
    targets = (
        seen
        for bound in wanted.bounds
        for seen in always("loanpulse_kpi_target", _BOUND[rule.unit], kpi=rule.id, bound=bound)
    )
    return (
        *shown_by_all(f"loanpulse_kpi_{rule.unit}", value, bad, bad, bad),
        *shown_by_all("loanpulse_kpi_status", labels, *status),
        *shown_by_all("loanpulse_kpi_samples", labels, samples, samples, samples),
        *targets,
    )


def _split(rule: Rule) -> dict[str, str]:
    return {} if rule.split is None else {rule.split: _SPLITS[rule.split]}

"""What tests of generated alerts share: the packaged catalogue's alerts, and trees that Prometheus' programs judge."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kpi_rules.loader import load
from kpi_rules.organisation import Organisation
from kpi_rules.rulebook import Rulebook
from loanpulse.deploy.alert import Alert, Group
from loanpulse.deploy.installation import Installation
from loanpulse.deploy.made import groups, made
from loanpulse.deploy.rule_files import rule_file
from loanpulse.deploy.text import text
from loanpulse.deploy.unit_tests import test_file as tests_of
from loanpulse.pages.write import write
from streams.runtime.rulebook import read_rulebook
from tests.docs_tables import ROOT

AT = Installation()
BOOK = read_rulebook(None, None, "UTC")
GROUPS = groups(BOOK, AT)
ALERTS = [alert for group in GROUPS for alert in group.alerts]
FILES = [f"{group.name}.yml" for group in GROUPS]
COMMITTED = ROOT / "deploy" / "prometheus"
NAMES = sorted({alert.name for alert in ALERTS})

RULE = """\
kra: speed
title: Speed
rules:
  - id: first_decision
    wording: Time to a decision
    says: Plain time from submission to decision; braces {{ stay }}, <tags> too.
    relevant: A borrower decides by who answers first.
    unit: seconds
    by: lending
    windows: [7d, 30d]
    measure: {kind: duration, since: application.submitted, anchor: application.decided, clock: calendar}
"""


def of(rule: str, **organisation: Any) -> Rulebook:
    """A book of one rule, with the members that are added to it, in an organisation."""
    return Rulebook((load("speed.yaml", RULE + rule),), Organisation(**organisation))


def run(program: Path, *words: str | Path) -> tuple[int, str]:
    """A program's exit code, and all that it said."""
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def tree(into: Path, book: Rulebook = BOOK, at: Installation = AT) -> Path:
    """A generated tree."""
    write(made(book, at), into)
    return into


def first_of(name: str) -> tuple[Group, Alert]:
    """An alert of a name, and its group."""
    return next((group, alert) for group in GROUPS for alert in group.alerts if alert.name == name)


def small_tree(into: Path, name: str, **changed: Any) -> Path:
    """One alert of a name with its group's recordings, and its tests; its rule, not its tests, is `changed`."""
    group, alert = first_of(name)
    alone = Group(group.name, group.recordings, (alert,))
    rules = rule_file(alone, AT)
    rules["groups"][0]["rules"][-1] |= changed
    write({"rules.yml": text(rules), "tests.yml": text(tests_of(alone, "rules.yml"))}, into)
    return into / "tests.yml"


def rules_of(group: Group) -> list[Mapping[str, Any]]:
    """A group's alerting rules as they are written down."""
    document = yaml.safe_load(text(rule_file(group, AT)))
    return [rule for rule in document["groups"][0]["rules"] if "alert" in rule]

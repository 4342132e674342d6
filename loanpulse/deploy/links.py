"""Where an alert leads: the KPI's page, its cases, what to do."""

from loanpulse.deploy.alert import PREFIX, Token
from loanpulse.deploy.installation import Installation

IN_BRANCH = "<in_branch>"
BRANCH = "north & south"
"""The proof's branch: a name that a link must escape."""

BRANCH_TOKENS = {
    "in_branch": Token("{{ with $labels.branch }} in branch {{ . }}{{ end }}", f" in branch {BRANCH}"),
    "of_branch": Token(
        "{{ with $labels.branch }}&branch={{ . | urlquery }}{{ end }}", "&branch=north+%26+south"
    ),
}


def kpi_url(at: Installation, kpi: str) -> str:
    """The KPI's page."""
    return f"{at.link_base.rstrip('/')}/kpis/{kpi}"


def cases_url(at: Installation, kpi: str, *, of_branch: bool = False) -> str:
    """Its open cases that are at risk or breached."""
    branch = "<of_branch>" if of_branch else ""
    return f"{at.link_base.rstrip('/')}/cases?at_risk=1&kpi={kpi}{branch}"


def runbook_url(at: Installation, alert: str) -> str:
    """The section of the page of runbooks; `alert` is its name without the prefix."""
    return f"{at.runbooks}#{(PREFIX + alert).lower()}"

"""All files of Prometheus and Alertmanager that a rulebook makes."""

from kpi_rules.rulebook import Rulebook
from loanpulse.deploy.alert import Alert, Group
from loanpulse.deploy.alertmanager_config import alertmanager_config
from loanpulse.deploy.engine import engine
from loanpulse.deploy.figures import figures
from loanpulse.deploy.installation import Installation
from loanpulse.deploy.open_cases import open_cases
from loanpulse.deploy.prometheus_config import prometheus_config
from loanpulse.deploy.rule_files import rule_file
from loanpulse.deploy.text import text
from loanpulse.deploy.unit_tests import test_file
from loanpulse.deploy.wanted import wanted


def groups(book: Rulebook, at: Installation) -> tuple[Group, ...]:
    """The alerts about values, about open cases and about the engine."""
    rules = wanted(book)
    return figures(rules, at), open_cases(rules, at), engine(at)


def alerts(book: Rulebook, at: Installation) -> list[Alert]:
    """Every alert, in the order of the files."""
    return [alert for group in groups(book, at) for alert in group.alerts]


def made(book: Rulebook, at: Installation) -> dict[str, str]:
    """The text of each file by its name. Unit tests are in the time of pace 1, so they come with that pace only."""
    found = groups(book, at)
    files = {f"rules/{group.name}.yml": text(rule_file(group, at)) for group in found}
    tests = {
        f"tests/{group.name}.yml": text(test_file(group, f"../rules/{group.name}.yml")) for group in found
    }
    return {
        "prometheus.yml": text(prometheus_config(list(files), at)),
        "alertmanager.yml": text(alertmanager_config(book.organisation, at)),
        **files,
        **(tests if at.pace == 1 else {}),
    }

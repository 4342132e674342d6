"""Alerts about the engine itself, in one group: they see the same instant, and the causes silence what follows."""

from loanpulse.deploy import recordings
from loanpulse.deploy.alert import Group
from loanpulse.deploy.board_alerts import board_alerts
from loanpulse.deploy.delivery_alerts import delivery_alerts
from loanpulse.deploy.installation import Installation
from loanpulse.deploy.ledger_alerts import ledger_alerts
from loanpulse.deploy.reader_alerts import reader_alerts


def engine(at: Installation) -> Group:
    """Readers and Redis, the board, the ledgers and their workers, the way of alerts."""
    alerts = (*reader_alerts(at), *board_alerts(at), *ledger_alerts(at), *delivery_alerts(at))
    return Group("loanpulse-engine", recordings.OF_ENGINE, alerts)

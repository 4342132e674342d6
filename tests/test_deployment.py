"""Where rules on their way stand."""

import pytest

from loanpulse.rules.deployment import Deployment, Role
from streams.runtime.rulebook import read_rulebook

CATALOGUE = read_rulebook(None, None, "UTC")


@pytest.mark.parametrize(
    ("shown", "runs", "is_live"),
    [(CATALOGUE.digest, True, True), ("others", True, False), ("others", False, True)],
)
def test_rules_are_live_once_a_running_board_shows_them(shown: str, runs: bool, is_live: bool) -> None:
    role = Role(CATALOGUE, 0)
    found = Deployment(role, None, None, None, [], board_runs=runs, shown=shown)
    assert found.is_live(CATALOGUE.digest) is is_live
    assert not found.is_live("others")

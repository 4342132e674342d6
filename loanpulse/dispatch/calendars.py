"""The opening hours that count: those of the rules in force, as a deployment changes them."""

import logging

from kpi_rules.loader import RuleError
from kpi_rules.organisation import Organisation
from loanpulse.dispatch.hours import Hours
from streams.runtime.in_force import NotNow, RulesInForce
from streams.runtime.script import Client

log = logging.getLogger(__name__)


class Calendars:
    """Follows the organisation in force; until there is one, the one that the dispatcher's own settings name."""

    def __init__(self, redis: Client, namespace: str, begin: Organisation) -> None:
        self._rules = RulesInForce(redis, namespace)
        self._organisation = begin
        self.hours = Hours(begin)
        self._trouble = ""

    async def refresh(self) -> None:
        """Raises RedisError."""
        try:
            book = await self._rules.live()
        except (NotNow, RuleError) as error:
            self._say(str(error))
            return
        self._say("")
        if book is not None and book.organisation != self._organisation:
            self._organisation = book.organisation
            self.hours = Hours(book.organisation)

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.warning("the calendars stay as they were: %s", trouble)
        self._trouble = trouble

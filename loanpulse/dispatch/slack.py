"""Slack's incoming webhooks, and what takes the same JSON."""

from collections.abc import Sequence
from typing import Any

import msgspec

from loanpulse.dispatch.incident import Message
from loanpulse.dispatch.posting import Post
from loanpulse.dispatch.wording import headline, lines
from schemas.alert import RESOLVED

_LONGEST_HEADER = 150
_LONGEST_SECTION = 3000
_MARKS = {
    "at_risk": ":large_yellow_circle:",
    "breached": ":red_circle:",
    "off_target": ":large_orange_circle:",
}


class SlackOutlet:
    """POSTs each event as text and blocks."""

    def __init__(self, post: Post) -> None:
        self._post = post

    async def send(self, messages: Sequence[Message]) -> None:
        for message in messages:
            body = msgspec.json.encode(shown(message))
            await self._post.send(body, {"content-type": "application/json"})

    async def close(self) -> None:
        await self._post.close()


def shown(message: Message) -> dict[str, Any]:
    """A message as Slack shows it: `text` in notifications, `blocks` in the channel."""
    event, said = message.event, headline(message)
    mark = ":white_check_mark:" if event.type == RESOLVED else _MARKS[event.data.band]
    facts = "\n".join(map(escaped, lines(event)))[:_LONGEST_SECTION]
    header = {"type": "plain_text", "text": f"{mark} {said}"[:_LONGEST_HEADER], "emoji": True}
    return {
        "text": f"{mark} {escaped(said)}",
        "blocks": [
            {"type": "header", "text": header},
            {"type": "section", "text": {"type": "mrkdwn", "text": facts}},
        ],
    }


def escaped(text: str) -> str:
    """Slack's three control characters as text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

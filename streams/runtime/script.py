"""The ledger's Lua scripts: text and digest are read once, at first use; Redis is sent the digest."""

import hashlib
from collections.abc import Sequence
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, NamedTuple, TypeAlias

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import NoScriptError

Client: TypeAlias = "Redis | RedisCluster"
Argument: TypeAlias = bytes | str | int


class Reply(NamedTuple):
    """A script's answer: a word in capitals, then what its header says."""

    word: str
    rest: list[Any]


class Script:
    """One file in scripts/, with the prelude before it."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def text(self) -> str:
        return f"{_lua('prelude')}\n{_lua(self.name)}"

    @cached_property
    def digest(self) -> str:
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Client, keys: Sequence[str], arguments: Sequence[Argument]) -> Reply:
        """One round trip; two when Redis does not know the script (restarted, flushed) and is sent the text.

        A script that Redis does not know has not run, so sending it again cannot do anything twice.
        """
        try:
            reply = await redis.execute_command("EVALSHA", self.digest, len(keys), *keys, *arguments)
        except NoScriptError:
            reply = await redis.execute_command("EVAL", self.text, len(keys), *keys, *arguments)
        return Reply(reply[0].decode(), reply[1:])


@cache
def _lua(name: str) -> str:
    return files("streams.runtime").joinpath("scripts", f"{name}.lua").read_text(encoding="utf-8")

"""Which rules are in force: begun with once, changed one at a time, gone back to within a day."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kpi_rules.rulebook import Rulebook
from streams.runtime.in_force import NotNow, RulesInForce
from streams.runtime.redis_client import connect
from tests.board_lab import program, rule, rulebook_of

pytestmark = pytest.mark.servers

OLD, NEW, THIRD = (rulebook_of(program(rule("count", wording=word))) for word in ("old", "new", "third"))

Story = Callable[[RulesInForce], Awaitable[None]]


def on_redis(story: Story) -> Callable[[str, str], None]:
    """Makes a test of a story about the rules of an empty namespace."""

    def test(redis_url: str, namespace: str) -> None:
        async def tell() -> None:
            redis = await connect(redis_url)
            try:
                await story(RulesInForce(redis, namespace))
            finally:
                await redis.aclose()

        asyncio.run(tell())

    test.__doc__ = story.__doc__
    return test


async def roles(rules: RulesInForce) -> tuple[str | None, ...]:
    """Who is live, next and previous, by the wording of the one rule."""
    standing = await rules.standing()
    books = [
        None if entry is None else await rules.book(entry.digest)
        for entry in (standing.live, standing.next, standing.previous)
    ]
    return tuple(None if book is None else book.rules[0].wording for book in books)


@on_redis
async def test_the_first_to_begin_decides(rules: RulesInForce) -> None:
    assert await roles(rules) == (None, None, None)
    assert await rules.live() is None
    await asyncio.gather(rules.begun_with(OLD, 5), rules.begun_with(OLD, 6))
    standing = await rules.begun_with(NEW, 7)
    assert standing.live is not None
    assert standing.live.digest == OLD.digest
    live = await rules.live()
    assert live is not None
    assert live.rules == OLD.rules


@on_redis
async def test_rules_come_into_force_and_can_be_gone_back_to_and_forth(rules: RulesInForce) -> None:
    await rules.begun_with(OLD, 1)
    await rules.propose(NEW, 2)
    assert await roles(rules) == ("old", "new", None)
    await rules.put_in_force(NEW.digest, 3)
    assert await roles(rules) == ("new", None, "old")
    assert (await rules.go_back(4)).digest == OLD.digest
    assert await roles(rules) == ("old", None, "new")
    await rules.go_back(5)
    assert await roles(rules) == ("new", None, "old")
    standing = await rules.standing()
    assert standing.previous is not None
    assert standing.previous.since_ms == 5
    await rules.forget_previous()
    assert await roles(rules) == ("new", None, None)
    with pytest.raises(NotNow, match="no rules to go back to"):
        await rules.go_back(6)


@on_redis
async def test_what_cannot_be_done_now_says_what_to_do(rules: RulesInForce) -> None:
    with pytest.raises(NotNow, match="start a worker"):
        await rules.propose(NEW, 1)
    await rules.begun_with(OLD, 1)
    with pytest.raises(NotNow, match="in force already"):
        await rules.propose(OLD, 2)
    with pytest.raises(NotNow, match="no rules are on their way"):
        await rules.withdraw()
    await rules.propose(NEW, 2)
    await rules.propose(NEW, 3)
    with pytest.raises(NotNow, match="rules withdraw"):
        await rules.propose(THIRD, 3)
    with pytest.raises(NotNow, match="not on their way"):
        await rules.put_in_force(THIRD.digest, 4)
    await rules.withdraw()
    assert await roles(rules) == ("old", None, None)
    with pytest.raises(NotNow, match="not on their way"):
        await rules.put_in_force(NEW.digest, 5)
    with pytest.raises(NotNow, match="no role"):
        await RulesInForce(rules._redis, rules._namespace).book(NEW.digest)  # without what it remembers


@on_redis
async def test_a_book_is_kept_as_long_as_it_has_a_role(rules: RulesInForce) -> None:
    async def books() -> set[str]:
        fields = await rules._redis.execute_command("HKEYS", rules._key)  # what is stored, to the byte
        return {field.decode().removeprefix("book/") for field in fields if field.startswith(b"book/")}

    await rules.begun_with(OLD, 1)
    await rules.propose(NEW, 2)
    assert await books() == {OLD.digest, NEW.digest}
    await rules.put_in_force(NEW.digest, 3)
    assert await books() == {OLD.digest, NEW.digest}
    await rules.propose(THIRD, 4)
    assert await books() == {NEW.digest, THIRD.digest}
    await rules.withdraw()
    assert await books() == {NEW.digest}


@on_redis
async def test_of_two_changes_at_once_one_is_refused(rules: RulesInForce) -> None:
    await rules.begun_with(OLD, 1)

    async def try_to(book: Rulebook) -> str:
        try:
            await rules.propose(book, 2)
        except NotNow:
            return "refused"
        return book.rules[0].wording

    said = await asyncio.gather(try_to(NEW), try_to(THIRD))
    assert "refused" in said
    assert (await roles(rules))[1] == next(word for word in said if word != "refused")

"""How much one script takes, how large a number may be, and that nothing is written beyond either."""

from typing import Any

import pytest

from streams.runtime.ledger import Ledger
from streams.runtime.ledger_errors import Fenced, PaneFull, Refused, TooLarge
from streams.runtime.ledger_values import Outcome
from streams.runtime.script_call import MAX_BYTES, MAX_WRITES
from tests.ledger_lab import OWNER, VERSION, batch, begin, loaded, on_redis, pane_logs, writes

BEYOND_EXACT = 2**53 + 1


@on_redis
async def test_too_large_a_batch_is_refused_before_it_is_sent(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.redis.execute_command("CONFIG", "RESETSTAT")
    too_many = {b"%d" % number: b"" for number in range(MAX_WRITES)}
    for large in (
        batch(0, 1, cases=too_many, panes={"s": b"row"}),
        batch(0, 1, cases={b"case": b"x" * (MAX_BYTES + 1)}),
        batch(0, 1, cases=too_many, beside=writes(version="rules-2", panes={"s": b"row"})),
    ):
        with pytest.raises(TooLarge):
            await ledger.commit(OWNER, large)
    assert "cmdstat_evalsha" not in await ledger.redis.execute_command("INFO", "commandstats")


@on_redis
async def test_the_largest_batch_of_any_shape_fits_into_one_script(ledger: Ledger) -> None:
    await begin(ledger)
    names = [f"{number}" for number in range(MAX_WRITES)]
    shapes: tuple[dict[str, Any], ...] = (
        {"cases": {name.encode(): b"facts" for name in names}},
        {"cases": {name.encode(): None for name in names}},
        {"clients": {name.encode(): b"loans" for name in names}},
        {"clients": {name.encode(): None for name in names}},
        {"panes": {f"m{name}": b"row" for name in names}},
        {"groups_new": names},
    )
    for position, shape in enumerate(shapes):
        assert await ledger.commit(OWNER, batch(position, position + 1, **shape)) is Outcome.APPLIED
    assert await ledger.groups(VERSION) == names
    assert await pane_logs(ledger) == {f"m{name}": b"row" for name in names}
    assert [part async for part in ledger.scan_cases()] == []


@on_redis
async def test_a_full_pane_is_refused_until_it_is_compacted(ledger: Ledger) -> None:
    await begin(ledger)
    position = 0
    for _ in range(4):
        position += 1
        await ledger.commit(OWNER, batch(position - 1, position, panes={"s": bytes(MAX_BYTES)}))
    more = batch(position, position + 1, cases={b"case": b"facts"}, panes={"s": b"row"})
    with pytest.raises(PaneFull) as full:
        await ledger.commit(OWNER, more)
    assert (full.value.version, full.value.pane) == (VERSION, "s")
    assert await loaded(ledger, [b"case"], [], VERSION) == ([None], [])
    assert await ledger.compact(OWNER, VERSION, "s", 4 * MAX_BYTES, b"sum")
    assert await ledger.commit(OWNER, more) is Outcome.APPLIED
    assert await pane_logs(ledger) == {"s": b"sumrow"}


@on_redis
async def test_integers_beyond_2_53_survive(ledger: Ledger) -> None:
    await begin(ledger)
    far = batch(0, BEYOND_EXACT, last_crc=BEYOND_EXACT, through_ms=BEYOND_EXACT)
    assert await ledger.commit(OWNER, far) is Outcome.APPLIED
    head = await ledger.head()
    assert (head.position, head.last_crc, head.through_ms) == (BEYOND_EXACT,) * 3
    assert head.last_offset == BEYOND_EXACT - 1
    with pytest.raises(Fenced):
        await ledger.commit(OWNER, batch(BEYOND_EXACT - 1, BEYOND_EXACT + 1))
    assert await ledger.commit(OWNER, batch(BEYOND_EXACT, BEYOND_EXACT + 1)) is Outcome.APPLIED
    assert await ledger.commit(OWNER, batch(BEYOND_EXACT, BEYOND_EXACT + 1)) is Outcome.ALREADY


@on_redis
async def test_a_count_beyond_2_53_is_refused_rather_than_rounded(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 1, counts={"applied": 2**53 - 2}))
    with pytest.raises(Refused, match="applied"):
        await ledger.commit(OWNER, batch(1, 2, cases={b"case": b"facts"}, counts={"applied": 2}))
    await ledger.commit(OWNER, batch(1, 2, counts={"applied": 1}))
    assert (await ledger.head()).counts == {"applied": 2**53 - 1}


@on_redis
async def test_a_batch_that_goes_nowhere_is_an_error(ledger: Ledger) -> None:
    for wrong in (batch(5, 5), batch(5, 4), batch(-1, 4)):
        with pytest.raises(ValueError, match=f"next is {wrong.next}"):
            await ledger.commit(OWNER, wrong)

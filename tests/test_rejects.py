"""How large a share of rejected records stops a partition, and what whoever looks at it is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.admission import DeadLetter
from streams.runtime.processor import PartitionStopped
from streams.runtime.rejects import LEAST, LOOK_BACK, RejectShare
from tests.partition_lab import record


def bad(number: int) -> list[DeadLetter]:
    return [DeadLetter(record(b"x"), "invalid", f"complaint {n}") for n in range(number)]


def test_more_than_the_limit_stops_and_names_share_reason_and_way_out() -> None:
    share = RejectShare(0.5)
    share.count(200, bad(100))
    with pytest.raises(PartitionStopped) as stopped:
        share.count(1, bad(1))
    assert stopped.value.reason == (
        "101 of the last 201 records were rejected, the last one because complaint 0. "
        "Mend the producer, or raise LOANPULSE_REJECT_LIMIT to dead-letter them"
    )


def test_a_share_of_few_records_says_nothing() -> None:
    share = RejectShare(0.5)
    share.count(LEAST - 1, bad(LEAST - 1))
    with pytest.raises(PartitionStopped):
        share.count(1, bad(1))


def test_a_limit_of_one_never_stops() -> None:
    share = RejectShare(1)
    for _ in range(30):
        share.count(LEAST, bad(LEAST))


def test_what_lies_long_back_counts_no_more() -> None:
    share = RejectShare(0.5)
    share.count(LOOK_BACK, bad(LOOK_BACK // 2))
    share.count(LOOK_BACK, [])
    share.count(LEAST, bad(LEAST))
    with pytest.raises(PartitionStopped, match=rf"{LOOK_BACK} of the last {LOOK_BACK} "):
        share.count(LOOK_BACK, bad(LOOK_BACK))


def test_one_record_at_a_time_stops_as_soon_as_the_limit_is_passed() -> None:
    share = RejectShare(0.1)
    for number in range(2 * LOOK_BACK):
        share.count(1, bad(number >= 2 * LOOK_BACK - 100))
    with pytest.raises(PartitionStopped, match=rf"101 of the last {LOOK_BACK} "):
        share.count(1, bad(1))


@given(sizes=st.lists(st.integers(1, 2_000), max_size=30), limit=st.floats(0.01, 1))
def test_good_records_never_stop(sizes: list[int], limit: float) -> None:
    share = RejectShare(limit)
    for size in sizes:
        share.count(size, [])

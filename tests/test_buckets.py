"""Log-buckets of durations: how far off a percentile can be, and which bucket an edge belongs to."""

from hypothesis import given
from hypothesis import strategies as st

from streams.calculus.buckets import BUCKETS, OCTAVES, PER_OCTAVE, bucket_of, rank_of, value_of
from streams.calculus.panes import BUCKET_BITS

LONGEST_MS = 1 << OCTAVES
BUCKET_NUMBERS = st.integers(1, BUCKETS - 1)
LENGTHS = st.one_of(
    st.integers(1, 2_000),
    st.integers(1, LONGEST_MS),
    st.integers(0, OCTAVES * PER_OCTAVE).map(lambda k: max(1, round(2 ** (k / PER_OCTAVE)))),
)


@given(LENGTHS)
def test_a_bucket_stands_for_each_of_its_lengths_within_1_1_percent(length: int) -> None:
    assert abs(value_of(bucket_of(length)) - length) <= 0.011 * length


@given(LENGTHS, LENGTHS)
def test_a_longer_length_is_never_in_an_earlier_bucket(one: int, other: int) -> None:
    assert (bucket_of(one) < bucket_of(other)) <= (one < other)
    if one < other:
        assert value_of(bucket_of(one)) <= value_of(bucket_of(other))


@given(LENGTHS)
def test_a_bucket_is_the_first_whose_upper_bound_holds_the_length(length: int) -> None:
    """The bound of bucket k + 1 is 2^(k/32) ms: length ≤ 2^(k/32), in whole numbers length^32 ≤ 2^k."""
    k = bucket_of(length) - 1
    assert length**PER_OCTAVE <= 1 << k
    assert k == 0 or length**PER_OCTAVE > 1 << k - 1


def test_powers_of_two_end_their_buckets() -> None:
    for octave in range(OCTAVES + 1):
        assert bucket_of(1 << octave) == 1 + PER_OCTAVE * octave
    for octave in range(OCTAVES):
        assert bucket_of((1 << octave) + 1) > 1 + PER_OCTAVE * octave


def test_nothing_and_what_ends_before_it_begins_share_the_bucket_of_zero() -> None:
    assert bucket_of(0) == bucket_of(-5) == 0
    assert value_of(0) == 0
    assert bucket_of(1) == 1


def test_what_takes_longer_than_139_years_is_in_the_last_bucket() -> None:
    assert bucket_of(LONGEST_MS) == bucket_of(LONGEST_MS + 1) == bucket_of(1 << 62) == BUCKETS - 1


def test_lengths_that_have_a_bucket_to_themselves_are_exact() -> None:
    assert [value_of(bucket_of(length)) for length in range(33)] == list(range(33))


@given(BUCKET_NUMBERS)
def test_what_stands_for_a_bucket_lies_in_it(bucket: int) -> None:
    """Buckets below the first few dozens may hold no whole number of ms at all; no length ever gets there."""
    value = value_of(bucket)
    assert 2 ** ((bucket - 2) / PER_OCTAVE) - 0.001 <= value <= 2 ** ((bucket - 1) / PER_OCTAVE) + 0.001


def test_a_bucket_s_number_fits_into_a_row_s_head() -> None:
    assert BUCKETS <= 1 << BUCKET_BITS


def test_a_percentile_is_the_nearest_rank() -> None:
    assert [rank_of(90, n) for n in (1, 2, 9, 10, 11, 100)] == [1, 2, 9, 9, 10, 90]
    assert [rank_of(50, n) for n in (1, 2, 3, 4)] == [1, 1, 2, 2]
    assert rank_of(95, 20) == 19
    assert rank_of(1, 5) == 1

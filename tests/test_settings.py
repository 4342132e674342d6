"""Settings: what is read, what is refused, and what the refusal says."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.clock import FixedClock, WallClock, clock_of
from streams.runtime.settings import Settings, SettingsError, environ_of, load_settings, variable


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load_settings({}) == Settings()


def test_other_peoples_variables_are_ignored() -> None:
    assert load_settings({"HOME": "/root", "KAFKA": "x", "loanpulse_kafka": "x"}) == Settings()


def test_an_empty_variable_is_unset() -> None:
    assert load_settings({"LOANPULSE_PARTITIONS": "", "LOANPULSE_KAFKA": " "}) == Settings()


def test_variables_are_read_as_their_types() -> None:
    settings = load_settings(
        {
            "LOANPULSE_KAFKA": "a:9092,b:9093",
            "LOANPULSE_REDIS": "redis://r:6379/0",
            "LOANPULSE_PARTITIONS": "12",
            "LOANPULSE_REJECT_LIMIT": "0.25",
            "LOANPULSE_OFFICER_DETAIL": "off",
            "LOANPULSE_AS_OF": "2012-03-14T12:00:00+01:00",
            "LOANPULSE_TZ": "Europe/Amsterdam",
            "LOANPULSE_HOME": "/var/lib/loanpulse",
        }
    )
    assert settings.kafka == "a:9092,b:9093"
    assert settings.partitions == 12
    assert settings.reject_limit == 0.25
    assert settings.officer_detail is False
    assert settings.as_of == datetime(2012, 3, 14, 11, tzinfo=UTC)
    assert settings.home == Path("/var/lib/loanpulse")


def test_an_option_wins_over_its_variable_and_an_absent_option_does_not() -> None:
    environ = {"LOANPULSE_PARTITIONS": "8", "LOANPULSE_NAMESPACE": "north"}
    settings = load_settings(environ, partitions=3, namespace=None)
    assert (settings.partitions, settings.namespace) == (3, "north")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("LOANPULSE_KAFKAS", "LOANPULSE_KAFKA"), ("LOANPULSE_PORT", "LOANPULSE_SERVE_PORT"), ("LOANPULSE_", "")],
)
def test_an_unknown_variable_is_an_error_that_names_itself_and_its_nearest_neighbour(
    name: str, nearest: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({name: "x"})
    message = str(caught.value)
    assert message.startswith(f"{name} is not a setting")
    assert f"did you mean {nearest}" in message
    assert "\n" not in message


BAD = {
    "kafka": ["localhost", "kafka://h:1", "h:1,", "h:1 h:2"],
    "redis": ["localhost:6379", "http://h", "redis://"],
    "namespace": ["a/b", "{a}", "a b", "x" * 81],
    "topic_prefix": ["bank/"],
    "dead_letter_topic": ["dead letters"],
    "partitions": ["four", "0", "1025", "2.5"],
    "rules": ["/does/not/exist"],
    "config": ["/does/not/exist.json"],
    "tz": ["Mars/Olympus", "../etc/passwd", "/etc/localtime"],
    "as_of": ["yesterday", "2012-03-14", "2012-03-14T12:00:00", "1331726400", "2012-13-14T12:00:00Z"],
    "partitioner": ["crc32"],
    "reject_limit": ["0", "1.1", "nan", "half"],
    "lateness_days": ["-1"],
    "serve_port": ["65536", "http"],
    "api_token_file": ["/does/not/exist"],
    "series_budget": ["-1"],
    "officer_detail": ["perhaps"],
    "stale_seconds": ["0"],
    "session_timeout_seconds": ["5"],
    "worker_id": ["a b"],
    "log_level": ["loud"],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field in BAD for value in BAD[field]])
def test_a_bad_value_is_one_line_naming_the_variable_the_value_and_the_way_out(
    field: str, value: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({variable(field): value})
    message = str(caught.value)
    assert message.startswith(f"{variable(field)} is {value!r}. ")
    assert message.endswith(str(Settings.model_fields[field].description))
    assert "\n" not in message


def test_every_bad_value_has_its_own_line() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"LOANPULSE_PARTITIONS": "0", "LOANPULSE_TZ": "Mars"})
    assert [line.split()[0] for line in str(caught.value).splitlines()] == [
        "LOANPULSE_PARTITIONS",
        "LOANPULSE_TZ",
    ]


def test_a_bad_option_is_named_as_an_option() -> None:
    with pytest.raises(SettingsError, match=r"^--serve-port is '70000'\."):
        load_settings({}, serve_port="70000")


def test_a_bad_address_does_not_show_its_password() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"LOANPULSE_REDIS": "http://user:hunter2@host"})
    assert "hunter2" not in str(caught.value)


def test_every_setting_has_a_description_that_fits_a_line() -> None:
    for field, info in Settings.model_fields.items():
        assert info.description, field
        assert "\n" not in info.description


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().partitions = 2  # type: ignore[misc]  # that it is refused is the point


def test_topics_carry_the_prefix() -> None:
    settings = Settings(topic_prefix="bank.")
    assert settings.topic("loan-events") == "bank.loan-events"
    assert settings.dead_letters == "bank.dead-letters"


@given(
    partitions=st.integers(1, 1024),
    reject_limit=st.floats(0.001, 1),
    officer_detail=st.booleans(),
    as_of=st.none() | st.datetimes(timezones=st.just(UTC)),
    worker_id=st.none() | st.just("w-1"),
)
def test_a_child_process_gets_the_same_settings(
    partitions: int,
    reject_limit: float,
    officer_detail: bool,
    as_of: datetime | None,
    worker_id: str | None,
) -> None:
    settings = Settings(
        partitions=partitions,
        reject_limit=reject_limit,
        officer_detail=officer_detail,
        as_of=as_of,
        worker_id=worker_id,
    )
    assert load_settings(environ_of(settings)) == settings


def test_the_clock_stands_still_at_an_as_of() -> None:
    settings = Settings(as_of=datetime(2012, 3, 14, 12, 0, 0, 123_999, tzinfo=UTC))
    assert clock_of(settings) == FixedClock(1_331_726_400_123)


def test_the_clock_follows_the_wall_without_an_as_of() -> None:
    assert isinstance(clock_of(Settings()), WallClock)


def test_a_token_that_is_given_in_place_of_its_file_is_not_shown() -> None:
    with pytest.raises(SettingsError) as failed:
        load_settings({"LOANPULSE_API_TOKEN_FILE": "a-secret-of-many-letters"})
    assert "LOANPULSE_API_TOKEN_FILE is '***'" in str(failed.value)
    with pytest.raises(SettingsError, match="/no/such/file"):
        load_settings({"LOANPULSE_API_TOKEN_FILE": "/no/such/file"})

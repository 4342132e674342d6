"""Mail, Slack and Apprise as real servers get them; plain words; and no secret in any log."""

import logging
from collections.abc import Iterator

import pytest

from loanpulse.dispatch.incident import Message
from loanpulse.dispatch.letters import letters
from loanpulse.dispatch.posting import retry_after_ms
from loanpulse.dispatch.wording import ENDINGS, headline, text, title
from loanpulse.lab.ports import free_port
from schemas.alert import AlertEvent, Ending
from tests.dispatch_lab import (
    HOUR,
    MINUTE,
    SECOND,
    SECRET,
    HandClock,
    MailSink,
    Sink,
    escalated,
    figure,
    mail_sink,
    ms,
    raised,
    resolved,
    routes_to,
    run,
    scene,
    webhook,
)  # fmt: skip

HIDDEN = "T0B0-hush-hush-XYZ"


@pytest.fixture
def mails() -> Iterator[MailSink]:
    with mail_sink(free_port()) as made:
        yield made


def news(event: AlertEvent) -> Message:
    return Message(event.id, event)


def office(mails: MailSink, **members: str) -> str:
    """Routes to one mailbox."""
    more = "".join(f", {name}: {value}" for name, value in members.items())
    return routes_to(
        f"  desk: {{kind: email, host: 127.0.0.1, port: {mails.port}, tls: none, from: loanpulse@bank.example, "
        f"to: [ann@bank.example, ben@bank.example]{more}}}\n"
    )


@pytest.mark.servers
def test_a_mail_says_in_plain_words_what_happened(redis_url: str, namespace: str, mails: MailSink) -> None:
    async def story() -> None:
        async with scene(redis_url, namespace, office(mails)) as it:
            await it.told(raised(), resolved())

    run(story())
    first, last = mails.got
    assert first["subject"] == "At risk: Response time to queries, query Q-1"
    assert first["to"] == "ann@bank.example, ben@bank.example"
    assert first.get_content_type() == "text/plain"
    assert first.get_content().splitlines() == text(news(raised())).splitlines()
    assert last["subject"] == "Resolved: Response time to queries, query Q-1"
    assert first["message-id"] != last["message-id"]


@pytest.mark.servers
def test_a_digest_is_one_mail_about_all_that_came_in_its_time(
    redis_url: str, namespace: str, mails: MailSink
) -> None:
    async def story() -> None:
        async with scene(
            redis_url, namespace, office(mails, digest="15 minutes"), clock=HandClock("2026-03-02T10:01:00Z")
        ) as it:
            await it.told(raised("a-1"), raised("b-1", "breached", subject="Q-2"))
            await it.go_on(10 * MINUTE)
            await it.told(resolved("a-1"), figure())
            assert mails.got == []
            await it.go_on(4 * MINUTE)
            assert len(mails.got) == 1
            await it.told(raised("c-1"))
            await it.go_on(HOUR)
            assert await it.counts("desk") == {"delivered": 5}

    run(story())
    first, second = mails.got
    assert first["subject"] == "4 alerts: 1 at risk, 1 resolved, 1 breached, 1 off target"
    body = first.get_content().replace("\r\n", "\n")
    for event in (raised("a-1"), raised("b-1", "breached", subject="Q-2"), resolved("a-1"), figure()):
        assert text(news(event)) in body
    assert second["subject"] == "1 alert: 1 at risk"


@pytest.mark.servers
def test_a_digest_that_fails_is_tried_again_as_a_whole(
    redis_url: str, namespace: str, mails: MailSink
) -> None:
    mails.refusals.append("451 later")

    async def story() -> None:
        async with scene(redis_url, namespace, office(mails, digest="1 minute")) as it:
            await it.told(raised("a-1"), raised("b-1"))
            await it.go_on(MINUTE)
            assert mails.got == []
            await it.go_on(MINUTE)

    run(story())
    (mail,) = mails.got
    assert mail["subject"] == "2 alerts: 2 at risk"


@pytest.mark.servers
def test_mail_that_is_refused_for_ever_is_given_up_and_other_mail_is_tried_again(
    redis_url: str, namespace: str, mails: MailSink
) -> None:
    mails.refusals += ["550 no such mailbox", "450 try later"]

    async def story() -> None:
        async with scene(redis_url, namespace, office(mails)) as it:
            await it.told(raised("a-1"))
            (letter,) = (await letters(it.dispatcher.store, 10)).values()
            assert "550" in letter.error
            await it.told(raised("b-1"))
            await it.go_on(2 * SECOND)
            assert await it.counts("desk") == {"failed": 1, "retried": 1, "delivered": 1}

    run(story())


@pytest.mark.servers
def test_slack_gets_text_and_blocks_with_its_control_characters_escaped(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    slack = f"  desk: {{kind: slack, url: '{sink.url}'}}\n"

    async def story() -> None:
        async with scene(redis_url, namespace, routes_to(slack)) as it:
            await it.told(raised(band="breached", wording="Q & A <24 h>"), resolved(wording="Q & A <24 h>"))

    run(story())
    first, last = sink.bodies
    assert first["text"] == ":red_circle: Breached: Q &amp; A &lt;24 h&gt;, query Q-1"
    header, section = first["blocks"]
    assert header["text"]["text"] == ":red_circle: Breached: Q & A <24 h>, query Q-1"
    assert "Due: Mon 02 Mar 2026, 12:00 +0100 (Europe/Amsterdam)" in section["text"]["text"]
    assert last["text"].startswith(":white_check_mark: Resolved")


@pytest.mark.servers
def test_apprise_reaches_what_its_url_names_and_is_tried_again(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    sink.will(500)
    service = sink.url.replace("http://", "json://")

    async def story() -> None:
        async with scene(
            redis_url,
            namespace,
            routes_to("  desk: {kind: apprise, url: {env: SERVICE}}\n"),
            environ={"SERVICE": service},
        ) as it:
            await it.told(raised())
            assert await it.counts("desk") == {"retried": 1}
            await it.go_on(2 * SECOND)
            assert await it.counts("desk") == {"retried": 1, "delivered": 1}

    run(story())
    assert sink.bodies[-1]["title"] == title(raised())
    assert sink.bodies[-1]["type"] == "warning"


@pytest.mark.servers
def test_no_secret_is_logged_or_kept_whatever_goes_wrong(
    redis_url: str, namespace: str, sink: Sink, mails: MailSink, caplog: pytest.LogCaptureFixture
) -> None:
    """At the level debug, with receivers that fail in each way, and one that quotes what it was sent."""
    caplog.set_level(logging.DEBUG)
    sink.will(404, 404, 404, 200)
    secret_url = sink.url.replace("/hook", f"/{HIDDEN}")
    routes = routes_to(
        "  slack: {kind: slack, url: {env: SLACK}}\n",
        "  closed: {kind: slack, url: {env: CLOSED}}\n",
        webhook("signed", sink),
        "  chat: {kind: apprise, url: {env: CHAT}}\n",
        f"  mail: {{kind: email, host: 127.0.0.1, port: {mails.port}, tls: none, user: u, password: {{env: PASSWORD}}, "
        "from: a@b.example, to: [c@d.example]}\n",
        default="{receivers: [slack, closed, signed, chat, mail]}",
    )
    environ = {
        "SLACK": secret_url,
        "CLOSED": f"http://127.0.0.1:{free_port()}/{HIDDEN}",
        "CHAT": secret_url.replace("http://", "json://"),
        "PASSWORD": HIDDEN,
    }

    async def story() -> None:
        async with scene(redis_url, namespace, routes, environ=environ) as it:
            await it.told(raised())
            await it.go_on(HOUR)
            await it.go_on(HOUR)
            kept = [letter.error for letter in (await letters(it.dispatcher.store, 10)).values()]
            assert len(kept) >= 2
            assert HIDDEN not in str(kept)

    run(story())
    said = "\n".join(record.getMessage() + str(record.exc_text) for record in caplog.records)
    assert "not told to slack" in said
    assert "not told to closed" in said
    assert HIDDEN not in said
    assert SECRET.removeprefix("whsec_") not in said


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (raised(), "At risk: Response time to queries, query Q-1"),
        (escalated(), "Breached: Response time to queries, query Q-1"),
        (figure(), "Off target: Response time to queries, branch north, 24h"),
        (figure(officer="ann"), "Off target: Response time to queries, officer ann, 24h"),
        (figure(branch=""), "Off target: Response time to queries, all, 24h"),
        (raised(wording="two\nlines"), "At risk: two lines, query Q-1"),
    ],
)
def test_a_title_says_what_happened_to_what(event: AlertEvent, said: str) -> None:
    assert title(event) == said


def test_a_reminder_says_that_it_is_one() -> None:
    assert (
        headline(Message("a-1.s", raised(), "reminder"))
        == "Still at risk: Response time to queries, query Q-1"
    )
    assert headline(news(raised())) == title(raised())


def test_the_facts_are_told_a_line_each() -> None:
    assert text(news(escalated())).splitlines()[2:] == [
        "The query Q-1 is late.",
        "Due: Mon 02 Mar 2026, 12:00 +0100 (Europe/Amsterdam)",
        "Time used: 2 h 1 min of 3 h 0 min",
        "Officer: ann, Branch: north, Product: home, Channel: phone",
        "KPI: response_time",
        "https://loanpulse.bank.example/cases/Q-1",
    ]
    assert "Value: 0.78, wanted: at least 0.85, from 45 observations" in text(news(figure()))


@pytest.mark.parametrize("ended", ENDINGS)
def test_every_ending_has_its_words(ended: Ending) -> None:
    assert f"It is over: {ENDINGS[ended]}." in text(news(resolved(ended=ended)))


@pytest.mark.parametrize(
    ("written", "wait_ms"),
    [
        ("120", 120_000),
        ("Mon, 02 Mar 2026 10:00:30 GMT", 30_000),
        ("Mon, 02 Mar 2026 09:00:00 GMT", 0),
        ("soon", 0),
        ("-5", 0),
        (None, 0),
    ],
)
def test_retry_after_is_read_in_both_its_forms(written: str | None, wait_ms: int) -> None:
    assert retry_after_ms(written, ms("2026-03-02T10:00:00Z")) == wait_ms

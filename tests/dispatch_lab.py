"""Dispatching under a test's own clock: events, routes, and servers that take what is delivered, or do not."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from msgspec.structs import replace

from kpi_rules.organisation import Organisation
from loanpulse.dispatch.dispatcher import Dispatcher
from loanpulse.dispatch.figures import figures
from loanpulse.dispatch.outlets import outlets_of
from loanpulse.dispatch.routes_file import parse_routes
from schemas.alert import SEVERITIES, AlertBand, AlertCase, AlertData, AlertEvent, AlertType, AlertValue
from streams.runtime.redis_client import connect
from streams.runtime.settings import Settings

SECRET = "whsec_" + "bG9hbnB1bHNlLWlzLWEtc2VjcmV0LTAxMjM0NTY3"
MONDAY_10 = "2026-03-02T10:00:00+00:00"
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ms(instant: str) -> int:
    return (datetime.fromisoformat(instant) - _EPOCH) // timedelta(milliseconds=1)


class HandClock:
    """Goes on when it is told to."""

    def __init__(self, instant: str = MONDAY_10) -> None:
        self._now_ms = ms(instant)

    def now_ms(self) -> int:
        return self._now_ms

    def go_on(self, milliseconds: int) -> None:
        self._now_ms += milliseconds

    def written(self) -> str:
        return (_EPOCH + timedelta(milliseconds=self._now_ms)).isoformat()


def raised(
    alert: str = "a-1", band: AlertBand = "at_risk", *, clock: HandClock | None = None, **data: Any
) -> AlertEvent:
    return told("alert.raised", alert, band, clock, **data)


def escalated(alert: str = "a-1", *, clock: HandClock | None = None, **data: Any) -> AlertEvent:
    return told("alert.escalated", alert, "breached", clock, **data)


def resolved(
    alert: str = "a-1", band: AlertBand = "at_risk", *, clock: HandClock | None = None, **data: Any
) -> AlertEvent:
    return told("alert.resolved", alert, band, clock, **{"ended": "answered", **data})


def told(kind: AlertType, alert: str, band: AlertBand, clock: HandClock | None, **data: Any) -> AlertEvent:
    """An alert of the query `Q-1` of officer ann in north, unless `data` says otherwise."""
    case = AlertCase("query", "c-1", data.pop("subject", "Q-1"))
    known = AlertData(
        alert, "response_time", "Response time to queries", "client_communication", band, SEVERITIES[band], "ann", "north",
        "home", "phone", "68091f6adbbcb2df", "https://loanpulse.bank.example/cases/Q-1", case=case,
        since="2026-03-02T08:00:00Z", due="2026-03-02T11:00:00Z", due_local="2026-03-02T12:00:00+01:00",
        zone="Europe/Amsterdam", target_seconds=10_800, used_seconds=7_260,
    )  # fmt: skip
    name = data.pop("id", f"{alert}-{kind}-{band}")
    time = clock.written() if clock is not None else MONDAY_10
    return AlertEvent(name, "loanpulse", kind, time, case.subject, replace(known, **data))


def figure(**data: Any) -> AlertEvent:
    """A branch's KPI that is off target."""
    value = AlertValue("24h", 0.78, 45, 35, 45, 0.85, None, "2026-03-02T09:40:00Z")
    about = {"officer": "", "kpi": "approval_rate", **data}
    return raised("f-1", "off_target", case=None, figure=value, **about)


@dataclass
class Sink:
    """An HTTP server that remembers what it got, and answers as it is told, then with 204."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    hang: threading.Event | None = None

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]

    def will(self, *statuses: int, **headers: str) -> None:
        """Answer so, once each."""
        self.answers += [(status, headers) for status in statuses]


@contextmanager
def http_sink() -> Iterator[Sink]:
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            sink.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            if sink.hang is not None:
                sink.hang.wait(30)
            status, headers = sink.answers.pop(0) if sink.answers else (204, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            said = self.path.encode() if status >= 400 else b""  # a careless server quotes what it was asked
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            """Nothing: the test reads what came."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    sink.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield sink
    finally:
        if sink.hang is not None:
            sink.hang.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class MailSink:
    """An SMTP server that remembers the mail it got."""

    port: int = 0
    got: list[EmailMessage] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        if self.refusals:
            return self.refusals.pop(0)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.got.append(mail)
        return "250 taken"


@contextmanager
def mail_sink(port: int) -> Iterator[MailSink]:
    sink = MailSink(port)
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


@dataclass
class Scene:
    """A dispatcher whose steps a test takes, on a real Redis."""

    dispatcher: Dispatcher
    clock: HandClock

    async def take(self, *events: AlertEvent) -> None:
        for event in events:
            await self.dispatcher.intake.take(event)

    async def deliver(self) -> None:
        """Until nothing is due any more."""
        deliveries = self.dispatcher.deliveries
        while any(await asyncio.gather(*map(self.dispatcher.deliver, deliveries))):
            pass

    async def go_on(self, milliseconds: int) -> None:
        """Let time pass, and what is due then be done."""
        self.clock.go_on(milliseconds)
        await self.dispatcher.sweep()
        await self.deliver()

    async def told(self, *events: AlertEvent) -> None:
        await self.take(*events)
        await self.deliver()

    async def counts(self, receiver: str) -> Mapping[str, int]:
        return (await figures(self.dispatcher.store)).get(receiver, {})


@asynccontextmanager
async def scene(
    redis_url: str,
    namespace: str,
    routes: str,
    *,
    clock: HandClock | None = None,
    environ: Mapping[str, str] | None = None,
    organisation: Organisation | None = None,
) -> AsyncIterator[Scene]:
    """The dispatcher of a routes file; the variable SECRET holds the webhooks' secret."""
    clock = clock or HandClock()
    client = await connect(redis_url)
    parsed = parse_routes(routes, "routes.yaml")
    outlets = outlets_of(parsed, {"SECRET": SECRET, **(environ or {})}, clock)
    settings = Settings(redis=redis_url, namespace=namespace)
    begin = organisation or Organisation()
    try:
        yield Scene(Dispatcher(settings, parsed, outlets, client, clock, begin), clock)
    finally:
        for outlet in outlets.values():
            await outlet.close()
        await client.aclose()


def run(story: Coroutine[Any, Any, None]) -> None:
    """Let a story go on to its end; the limit only ends one that would hang."""
    asyncio.run(asyncio.wait_for(story, 60))


def webhook(name: str, sink: Sink, **members: str) -> str:
    """A receiver of a routes file."""
    more = "".join(f"    {member}: {value}\n" for member, value in members.items())
    return f"  {name}:\n    kind: webhook\n    url: {sink.url}\n    secret: {{env: SECRET}}\n{more}"


def routes_to(*receivers: str, default: str = "{receivers: [desk]}", routes: str = "[]") -> str:
    """A routes file."""
    return f"receivers:\n{''.join(receivers)}routes: {routes}\ndefault: {default}\n"


@asynccontextmanager
async def desk(redis_url: str, namespace: str, sink: Sink, **members: str) -> AsyncIterator[Scene]:
    """A dispatcher that tells all to one webhook."""
    async with scene(redis_url, namespace, routes_to(webhook("desk", sink, **members))) as made:
        yield made

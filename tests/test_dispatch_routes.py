"""Routes files: who is told of what, and what is said of files that cannot be used."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from loanpulse.dispatch.outlets import outlets_of
from loanpulse.dispatch.routes_file import RoutesError, parse_routes, read_routes
from schemas.alert import AlertEvent
from tests.dispatch_lab import SECRET, HandClock, escalated, figure, raised

RECEIVERS = """
receivers:
  floor: {kind: slack, url: {env: FLOOR_URL}}
  tickets: {kind: webhook, url: https://tickets.bank.example/alerts, secret: {file: /run/secrets/tickets}}
  office: {kind: email, host: mail.bank.example, from: loanpulse@bank.example, to: [office@bank.example], digest: 15 minutes}
"""
ROUTES = f"""{RECEIVERS}
routes:
  - match: {{severity: critical}}
    receivers: [tickets]
    continue: true
  - match: {{kpi: "response_*", branch: [north, south], level: case}}
    receivers: [floor]
    hours: business
    outside: tickets
  - match: {{level: figure}}
    receivers: [office]
    resolved: false
default: {{receivers: [floor, office]}}
"""


def receivers_of(event: AlertEvent) -> set[str]:
    return set(parse_routes(ROUTES, "routes.yaml").of(event.data))


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (raised(), {"floor"}),
        (escalated(), {"floor", "tickets"}),
        (raised(branch="east"), {"floor", "office"}),
        (raised(band="breached", branch="east"), {"tickets"}),
        (raised(kpi="turnaround_time"), {"floor", "office"}),
        (figure(), {"office"}),
        (figure(branch="east"), {"office"}),
    ],
)
def test_the_first_route_that_matches_decides_unless_it_says_continue(
    event: AlertEvent, told: set[str]
) -> None:
    assert receivers_of(event) == told


@pytest.mark.parametrize(
    ("field", "fits", "other"),
    [
        ("kpi", "response_time", "approval_rate"),
        ("kra", "client_communication", "sales"),
        ("branch", "north", "south"),
        ("officer", "ann", "ben"),
        ("product", "home", "car"),
        ("channel", "phone", "mail"),
        ("severity", "warning", "critical"),
        ("band", "at_risk", "breached"),
        ("level", "case", "figure"),
    ],
)
def test_each_member_of_a_match_is_one_of_its_list(field: str, fits: str, other: str) -> None:
    for wanted, taken in ((fits, True), (other, False), ([other, fits], True)):
        routes = {"match": {field: wanted}, "receivers": ["floor"]}
        text = RECEIVERS + yaml.safe_dump({"routes": [routes], "default": {"receivers": []}})
        assert (parse_routes(text, "routes.yaml").of(raised().data) != {}) == taken


def test_terms_are_those_of_the_route_that_named_the_receiver_first() -> None:
    terms = parse_routes(ROUTES, "routes.yaml").of(raised().data)["floor"]
    assert (terms.hours, terms.outside, terms.resolved) == ("business", "tickets", True)
    assert not parse_routes(ROUTES, "routes.yaml").of(figure().data)["office"].resolved


def test_json_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    path.write_text('{\n\t"receivers": {},\n\t"default": {"receivers": []}\n}')
    assert read_routes(path).receivers == {}


def complaint(text: str) -> str:
    with pytest.raises(RoutesError) as caught:
        parse_routes(text, "routes.yaml")
    return str(caught.value)


BAD: list[tuple[str, str, str]] = [
    ("kind: slack", "kind: slak", "routes.yaml:3: receivers.floor.kind: is 'slak': did you mean 'slack'?"),
    ("kind: slack, ", "", "routes.yaml:3: receivers.floor: has no kind: it is one of webhook, slack, email, apprise"),
    ("host: mail.bank.example, ", "", "routes.yaml:5: receivers.office.host: is missing"),
    ("digest: 15 minutes", "digest: soon", "receivers.office.digest: 'soon' is not a length of time"),
    ("digest: 15 minutes", "digests: 15 minutes", "receivers.office.digests: is not known here: did you mean 'digest'?"),
    ("digest: 15 minutes", "digest: 2 business days", "receivers.office.digest: is '2 business days': must be plain time"),
    ("to: [office@bank.example]", "to: [office]", "receivers.office.to[0]: is 'office'"),
    ("{env: FLOOR_URL}", "{env: LOANPULSE_FLOOR}", "receivers.floor.url: env is 'LOANPULSE_FLOOR'"),
    ("{env: FLOOR_URL}", "{env: A, file: b}", "receivers.floor.url: must be one of {file: /path/of/the/secret}"),
    ("severity: critical", "severity: grave", "routes.yaml:8: routes[0].match.severity: is 'grave'"),
    ("severity: critical", "severety: critical", "routes[0].match.severety: is not known here: did you mean 'severity'?"),
    ("receivers: [tickets]", "receivers: [ticket]", "receivers[0]: 'ticket' is no receiver of this file: did you mean"),
    ("outside: tickets", "outside: later", "routes[1].outside: is 'later': write hold, drop, or a receiver of this file"),
    ("hours: business\n", "hours: always\n", "routes[1].outside: means nothing without `hours: business`"),
    ("default: {receivers: [floor, office]}", "", "default: is missing"),
    ("  floor:", "  tickets:", "routes.yaml:4: receivers.tickets: is written twice"),
    ("  floor:", "  drop:", "receivers.drop: 'drop' has a meaning of its own"),
    ("continue: true", "continue: [", "not YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), BAD)
def test_what_is_wrong_is_told_with_its_line_and_field(old: str, new: str, said: str) -> None:
    assert old in ROUTES
    assert said in complaint(ROUTES.replace(old, new, 1))


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = ROUTES.replace("to: [office@bank.example]", "to: []").replace("level: figure", "level: figures")
    assert len(complaint(text).splitlines()) == 2


@pytest.mark.parametrize("secret", ["whsec_c2VjcmV0", "{env: A, text: whsec_c2VjcmV0}", "[whsec_c2VjcmV0]"])
def test_a_secret_in_the_file_is_refused_without_being_shown(secret: str) -> None:
    said = complaint(ROUTES.replace("{file: /run/secrets/tickets}", secret))
    assert "receivers.tickets.secret" in said
    assert "c2VjcmV0" not in said


def unmade(**environ: str) -> str:
    text = ROUTES.replace("{file: /run/secrets/tickets}", "{env: TICKETS}")
    with pytest.raises(RoutesError) as caught:
        outlets_of(parse_routes(text, "routes.yaml"), environ, HandClock())
    return str(caught.value)


def test_a_secret_that_is_missing_or_unfit_is_named_by_its_field() -> None:
    assert unmade(TICKETS=SECRET) == "receivers.floor.url: the variable FLOOR_URL is not set"
    assert (
        unmade(FLOOR_URL="hooks/T0/B0/secret", TICKETS=SECRET)
        == "receivers.floor.url: must begin with https:// or http://"
    )
    unfit: dict[str, Any] = {"FLOOR_URL": "https://hooks.bank.example/T0/B0/secret"}
    for secret in ("whsec_c2VjcmV0", "no base64 at all é"):
        said = unmade(TICKETS=secret, **unfit)
        assert said.startswith("receivers.tickets.secret: ")
        assert secret not in said


def test_a_secret_is_read_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    text = ROUTES.replace("/run/secrets/tickets", str(path))
    with pytest.raises(RoutesError, match=r"receivers.tickets.secret: .* cannot be read: No such file"):
        outlets_of(parse_routes(text, "routes.yaml"), {"FLOOR_URL": "https://x.example"}, HandClock())
    path.write_text(SECRET + "\n")
    assert set(outlets_of(parse_routes(text, "routes.yaml"), {"FLOOR_URL": "https://x.example"}, HandClock())) == {
        "floor", "tickets", "office",
    }  # fmt: skip

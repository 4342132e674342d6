"""The commands about alerts' delivery: a routes file is judged, letters are seen and sent again, silences are made and ended."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from loanpulse.cli.exits import outcome
from loanpulse.cli.main import app
from schemas.alert import AlertEvent
from streams.runtime.clock import WallClock
from tests.dispatch_lab import SECRET, HandClock, Sink, raised, routes_to, scene, webhook

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    namespace: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    """Runs a command of loanpulse in the test's namespace: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOANPULSE_NAMESPACE", namespace)
    monkeypatch.setenv("SECRET", SECRET)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = outcome(lambda: app(list(arguments), prog_name="loanpulse", standalone_mode=False))
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def on_redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LOANPULSE_REDIS", redis_url)
    return redis_url


def test_a_routes_file_is_judged_with_its_secrets(run: Run, tmp_path: Path, sink: Sink) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text(routes_to(webhook("desk", sink)))
    assert run("dispatch", "check", str(path)) == (
        0,
        f"{path}: receivers: desk; routes: 0 and a default\n",
        "",
    )
    path.write_text(routes_to(webhook("desk", sink).replace("SECRET", "NOT_SET")))
    code, out, err = run("dispatch", "check", str(path))
    assert (code, out) == (2, "")
    assert err == "receivers.desk.secret: the variable NOT_SET is not set\n"
    path.write_text("receivers: {}\n")
    assert run("dispatch", "check", str(path))[2] == f"{path}:1: default: is missing\n"


def test_without_a_routes_file_there_is_nothing_to_dispatch(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOANPULSE_KAFKA", "127.0.0.1:9")
    monkeypatch.setenv("LOANPULSE_REDIS", "redis://127.0.0.1:9/0")
    code, _, err = run("dispatch")
    assert code == 2
    assert err.startswith("LOANPULSE_ROUTES is not set. ")
    assert err.count("\n") == 1


@pytest.mark.servers
def test_letters_are_listed_and_sent_again(run: Run, on_redis: str, namespace: str, sink: Sink) -> None:
    routes = routes_to(webhook("desk", sink))

    def tell(*events: AlertEvent) -> None:
        async def story() -> None:
            clock = HandClock()
            clock.go_on(WallClock().now_ms() - clock.now_ms())
            async with scene(on_redis, namespace, routes, clock=clock) as it:
                await it.told(*events)

        asyncio.run(story())

    assert run("dispatch", "letters") == (0, "no undelivered messages\n", "")
    sink.will(404, 410)
    clock = HandClock()
    clock.go_on(WallClock().now_ms() - clock.now_ms())
    tell(raised("a-1", clock=clock), raised("b-1", subject="Q-2", clock=clock))
    code, out, _ = run("dispatch", "letters")
    assert code == 0
    _, *letters = out.splitlines()
    assert {line.rsplit("answered ", 1)[1][:3] for line in letters} == {"404", "410"}
    assert all("At risk: Response time to queries, query Q-" in line for line in letters)
    status = json.loads(run("dispatch", "status", "--json")[1])
    assert status["desk"] == {"failed": 2, "waiting": 0}
    name = letters[0].split()[0]
    assert run("dispatch", "redeliver", name)[0] == 0
    code, _, err = run("dispatch", "redeliver", name)
    assert (code, err) == (1, f"there is no letter {name}: see loanpulse dispatch letters\n")
    assert run("dispatch", "redeliver", "--all")[0] == 0
    tell()
    assert sorted(sink.ids[2:]) == sorted(sink.ids[:2])
    assert run("dispatch", "letters")[1] == "no undelivered messages\n"
    assert "desk" in run("dispatch", "status")[1]
    assert run("dispatch", "redeliver")[0] == 2


@pytest.mark.servers
def test_a_silence_is_made_listed_and_ended(run: Run, on_redis: str) -> None:
    assert run("silence", "list") == (0, "no silences\n", "")
    code, out, _ = run(
        "silence",
        "add",
        "--branch",
        "north",
        "--until",
        "2 hours",
        "--reason",
        "the office moves",
        "--by",
        "eva",
    )
    assert code == 0
    name = out.split()[1]
    assert "branch north" in out
    assert run("snooze", "Q-1", "--for", "1 hour", "--reason", "waits for papers", "--by", "ann")[0] == 0
    _, first, second = run("silence", "list")[1].splitlines()
    assert first.split("  ")[0] != name
    assert "case Q-1" in first
    assert "waits for papers" in first
    assert second.startswith(name)
    assert run("silence", "end", name) == (0, "", "")
    assert run("silence", "end", name)[0] == 1
    assert name not in run("silence", "list")[1]


@pytest.mark.servers
def test_a_silence_that_cannot_be_is_one_line_and_2(run: Run, on_redis: str) -> None:
    about = ("--reason", "r", "--by", "eva")
    code, out, err = run("silence", "add", "--until", "2 hours", *about)
    assert (code, out) == (2, "")
    assert err == "silence: names nothing: name a case, officer, KPI or branch\n"
    code, _, err = run("snooze", "Q-1", "--for", "a while", *about)
    assert code == 2
    assert err.startswith("until: is 'a while': write a length such as 2 hours")

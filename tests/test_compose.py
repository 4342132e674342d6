"""The container files name only what is there: settings, commands, ports, files. No container engine is needed."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from loanpulse.cli.main import app
from streams.runtime.settings import Settings, environ_of, load_settings, variable

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("build")}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
FOR_DOCKER = {"kafka", "redis", "serve_host"}  # what the compose file sets itself


def words(command: str | list[str]) -> list[str]:
    return shlex.split(command) if isinstance(command, str) else command


def parse(command: list[str]) -> None:
    """Let the command line judge the words, without running anything; raises typer.TyperException."""
    group = typer.main.get_command(app)
    name, rest = command[0], command[1:]
    with group.make_context("loanpulse", [*command], resilient_parsing=False) as context:
        found = group.get_command(context, name)  # type: ignore[attr-defined]  # the root is a group
        assert found is not None, f"no command {name}"
        with found.make_context(name, rest, parent=context) as inner:
            assert not hasattr(found, "commands") or found.get_command(inner, rest[0]), command


def test_every_process_is_a_service() -> None:
    assert set(OURS) == {"topics", "worker", "board", "serve"}


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_there_is(name: str) -> None:
    parse(words(OURS[name]["command"]))


@pytest.mark.parametrize("name", OURS)
def test_a_service_sets_only_variables_that_settings_take(name: str) -> None:
    settings = load_settings(OURS[name]["environment"])
    assert settings.kafka == "kafka:9092"
    assert settings.redis == "redis://redis:6379/0"


@pytest.mark.parametrize("name", OURS)
def test_a_health_check_asks_what_there_is(name: str) -> None:
    check = OURS[name].get("healthcheck", {}).get("test", [])
    if "loanpulse" in check:
        parse(check[2:])
    for url in re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", " ".join(check)):
        assert url == (OURS[name]["environment"]["LOANPULSE_SERVE_PORT"], "/healthz")


def test_the_exporter_can_be_reached_from_outside_its_container() -> None:
    settings = load_settings(SERVICES["serve"]["environment"])
    assert settings.serve_host == "0.0.0.0"  # noqa: S104  # inside of a container
    assert SERVICES["serve"]["ports"] == [f"127.0.0.1:{settings.serve_port}:{settings.serve_port}"]
    assert settings.serve_port == Settings().serve_port
    assert f"EXPOSE {settings.serve_port}\n" in DOCKERFILE


def test_services_wait_for_services_that_there_are() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            healthy = how["condition"] == "service_healthy"
            assert other in SERVICES, name
            assert not healthy or "healthcheck" in SERVICES[other], f"{name} waits for {other}"


def test_the_worker_can_be_scaled() -> None:
    worker = SERVICES["worker"]
    assert not {"container_name", "ports", "hostname"} & worker.keys()
    assert variable("worker_id") not in worker["environment"]


def test_redis_is_one_that_the_worker_accepts() -> None:
    command = SERVICES["redis"]["command"]
    assert "--appendonly yes" in command
    assert "--appendfsync everysec" in command
    assert "--maxmemory-policy noeviction" in command


def test_kafka_makes_no_topic_by_itself_and_listens_where_it_says() -> None:
    kafka = SERVICES["kafka"]["environment"]
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    listeners = dict(re.findall(r"(\w+)://:(\d+)", kafka["KAFKA_LISTENERS"]))
    advertised = re.findall(r"(\w+)://([\w.]+):(\d+)", kafka["KAFKA_ADVERTISED_LISTENERS"])
    assert {name: port for name, _, port in advertised} == {
        name: port for name, port in listeners.items() if name != kafka["KAFKA_CONTROLLER_LISTENER_NAMES"]
    }
    assert kafka["KAFKA_CONTROLLER_QUORUM_VOTERS"] == f"1@kafka:{listeners['CONTROLLER']}"
    assert SERVICES["kafka"]["ports"] == [f"127.0.0.1:{listeners['HOST']}:{listeners['HOST']}"]


def test_volumes_are_declared() -> None:
    used = {mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_a_container_of_ours_has_no_rights_that_it_does_not_need() -> None:
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    assert int(re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE)[-1]) > 0


def test_the_example_of_variables_is_the_settings_with_their_defaults() -> None:
    lines = re.findall(r"^# (LOANPULSE_\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert [name for name, _ in lines] == [variable(field) for field in Settings.model_fields]
    assert load_settings(dict(lines)) == Settings()
    defaults = environ_of(Settings())
    assert {name for name, value in lines if value} == {name for name, value in defaults.items() if value}


def test_the_example_says_which_variables_the_compose_file_sets() -> None:
    (sentence,) = re.findall(r"docker-compose\.yml sets (.*) itself", (ROOT / ".env.example").read_text())
    assert set(re.findall(r"LOANPULSE_\w+", sentence)) == {variable(field) for field in FOR_DOCKER}
    everywhere = set(SERVICES["serve"]["environment"]) - {variable("serve_port")}
    assert everywhere == {variable(field) for field in FOR_DOCKER}


def test_the_image_copies_files_that_there_are_and_that_are_sent_to_the_builder() -> None:
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(sources) == sent
    assert all((ROOT / source).exists() for source in sources)


def test_the_image_starts_the_command() -> None:
    assert 'ENTRYPOINT ["loanpulse"]' in DOCKERFILE

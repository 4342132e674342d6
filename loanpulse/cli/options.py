"""Options that are settings: the same names, texts and checks, and an option wins over its variable."""

import os
from typing import Annotated, Any

import typer

from streams.runtime.settings import Settings, load_settings


def option(field: str) -> Any:
    """The option of a field of Settings; its value stays text, which the settings judge as they do a variable's."""
    description = Settings.model_fields[field].description
    return typer.Option(f"--{field.replace('_', '-')}", help=description, show_default=False)


Kafka = Annotated[str | None, option("kafka")]
Redis = Annotated[str | None, option("redis")]
Namespace = Annotated[str | None, option("namespace")]
Rules = Annotated[str | None, option("rules")]
Config = Annotated[str | None, option("config")]
Roster = Annotated[str | None, option("roster")]
Routes = Annotated[str | None, option("routes")]
LinkBase = Annotated[str | None, option("link_base")]
Zone = Annotated[str | None, option("tz")]
AsOf = Annotated[str | None, option("as_of")]
Home = Annotated[str | None, option("home")]
TopicPrefix = Annotated[str | None, option("topic_prefix")]
Partitions = Annotated[str | None, option("partitions")]
LogLevel = Annotated[str | None, option("log_level")]
WorkerId = Annotated[str | None, option("worker_id")]
ServeHost = Annotated[str | None, option("serve_host")]
ServePort = Annotated[str | None, option("serve_port")]
ApiTokenFile = Annotated[str | None, option("api_token_file")]


def settings_from(**options: str | None) -> Settings:
    """The settings of this process; the one place that looks at the environment."""
    return load_settings(os.environ, **options)

"""The organisation that a file is read for: what its mapping says, and what wins over that."""

import json
from typing import Any

from loanpulse.intake.mapping import Mapping
from streams.runtime.rulebook import read_organisation
from streams.runtime.settings import Settings


def organisation_for(settings: Settings, mapping: Mapping | None) -> dict[str, Any]:
    """A member of --config wins over --tz, and that over the mapping's. Raises ConfigError."""
    document: dict[str, Any] = {} if mapping is None else dict(mapping.organisation)
    if "tz" in settings.model_fields_set:
        document["tz"] = settings.tz
    if settings.config is not None:
        read_organisation(settings.config, settings.tz)
        document |= json.loads(settings.config.read_text("utf-8"))
    return document

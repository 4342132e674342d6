"""Secrets: named in the routes file, kept elsewhere, and taken out of whatever is logged."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from streams.runtime.settings import PREFIX

SHOWN = "***"
_SHORTEST = 4


class Secret(BaseModel):
    """Where a secret is: a file that holds it, or a variable of the dispatcher's environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path | None = None
    env: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("must be one of {file: /path/of/the/secret} and {env: NAME_OF_A_VARIABLE}")
        if self.env is not None and self.env.startswith(PREFIX):
            raise ValueError(f"env is {self.env!r}: {PREFIX}* are settings: choose another name")
        return self

    def read(self, environ: Mapping[str, str]) -> str:
        """The secret itself. Raises ValueError, which says what is missing."""
        if self.env is not None:
            if not (value := environ.get(self.env, "").strip()):
                raise ValueError(f"the variable {self.env} is not set")
            return value
        try:
            value = Path(str(self.file)).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise ValueError(f"{self.file} cannot be read: {reason}") from None
        if not value:
            raise ValueError(f"{self.file} is empty")
        return value


class Address(Secret):
    """An address that may be secret itself, or stands in the file as it is."""

    text: str | None = None

    def read(self, environ: Mapping[str, str]) -> str:
        return super().read(environ) if self.text is None else self.text


def _no_plain_secret(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError("a secret does not stand in this file: write {file: …} or {env: …}")
    return value


def _plain_address(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


SecretPlace = Annotated[Secret, BeforeValidator(_no_plain_secret)]
AddressPlace = Annotated[Address, BeforeValidator(_plain_address)]


class Redacted:
    """Text without the secrets that it may hold."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({text for text in secrets if len(text) >= _SHORTEST}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, SHOWN)
        return text

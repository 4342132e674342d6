"""Generated YAML: the same input gives the same text, and a longer expression keeps its lines."""

from typing import Any

import yaml

HEAD = "# Made by `loanpulse rules prometheus`: change the rules, or its options, and make it anew.\n"


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks; no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the base class has it
        return True


def _text(dumper: yaml.SafeDumper, said: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", said, style="|" if "\n" in said else None)


_Dumper.add_representer(str, _text)


def text(document: dict[str, Any]) -> str:
    """A document below the line that says where it comes from."""
    return HEAD + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)

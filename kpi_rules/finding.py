"""Finds rules by what people call them: the business's wording, what they say, their area, the events they read."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from kpi_rules.facts import FACTS
from kpi_rules.loader import LoadedFile
from kpi_rules.model import Rule
from kpi_rules.names import nearest_name

_APART = re.compile(r"[\W_]+")
_PHRASE, _BEGINS = 20, 2
"""What the words beside each other in the wording add, and how many times a word that a name begins with counts."""

_SLIP = 0.75
"""A word less like another than this, of 1, is another word: a broker is no Brier score."""


class Found(NamedTuple):
    """A rule with its file and line."""

    rule: Rule
    title: str
    """Its area's."""
    file: str
    line: int


class Search(NamedTuple):
    """What was found, best first; `text` is what was looked for in the end, with slips of the pen mended."""

    text: str
    found: Sequence[Found]


class _Entry(NamedTuple):
    found: Found
    texts: tuple[tuple[str, int], ...]
    """Where it may be found, in lower case, and how much a word there counts."""


def find(files: Iterable[LoadedFile], text: str) -> Search:
    """The rules in which every word of a text occurs, whatever its case, or begins or ends another word.

    Where a word occurs nowhere, the nearest one that does is taken for it.
    """
    entries = list(_entries(files))
    words = text.lower().split()
    if not (found := _search(entries, words)):
        words = [_mended(word, entries) for word in words]
        found = _search(entries, words)
    return Search(" ".join(words), found)


def _entries(files: Iterable[LoadedFile]) -> Iterator[_Entry]:
    for loaded in files:
        for number, rule in enumerate(loaded.content.rules):
            title = loaded.content.title
            found = Found(rule, title, loaded.name, loaded.line(("rules", number)))
            weighed = (
                (rule.wording, 10),
                (rule.id, 8),
                (f"{title} {loaded.content.kra}", 4),
                (" ".join(events_of(rule)), 3),
                (rule.says, 2),
                (rule.relevant or "", 1),
            )
            yield _Entry(found, tuple((text.lower(), weight) for text, weight in weighed))


def events_of(rule: Rule) -> list[str]:
    """The facts that a rule's measure names, and the event types that they are read from, once each."""
    said = rule.measure.model_dump_json(by_alias=True, exclude_defaults=True)
    named = [name for name in FACTS if re.search(rf'"{re.escape(name)}["\.]', said)]
    return list(dict.fromkeys(event for name in named for event in (name, *FACTS[name].reads)))


def _search(entries: Iterable[_Entry], words: Sequence[str]) -> list[Found]:
    scored = [(_score(entry, words), entry.found) for entry in entries]
    return [found for score, found in sorted(scored, key=lambda pair: -pair[0]) if score]


def _score(entry: _Entry, words: Sequence[str]) -> int:
    """0 if a word is nowhere; equals stay in the order of their files."""
    scores = [max(_weight(word, text) * weight for text, weight in entry.texts) for word in words]
    if not scores or not all(scores):
        return 0
    wording = entry.texts[0][0]
    return sum(scores) + (_PHRASE if " ".join(words) in wording else 0)


def _weight(word: str, text: str) -> int:
    if word not in text:
        return 0
    return _BEGINS if any(other.startswith(word) for other in _APART.split(text)) else 1


def _mended(word: str, entries: Iterable[_Entry]) -> str:
    """The word itself if it occurs anywhere."""
    texts = [text for entry in entries for text, _ in entry.texts]
    if any(word in text for text in texts):
        return word
    known = {other for text in texts for other in _APART.split(text) if len(other) > 1}
    return nearest_name(word, sorted(known), likeness=_SLIP) or word

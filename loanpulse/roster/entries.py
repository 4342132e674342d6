"""A roster file as it is written, YAML or CSV: its entries with the lines that their values stand in, not judged yet."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from kpi_rules.names import nearest
from loanpulse.lab.failures import InputError

COLUMNS = ("kind", "id", "name", "branch", "from", "until")
SECTIONS = {"officers": "officer", "branches": "branch"}
YAML_SUFFIXES = (".yaml", ".yml")
SUFFIXES = (*YAML_SUFFIXES, ".csv")


class Written(NamedTuple):
    """A value as text, and its line."""

    text: str
    line: int


class Entry(NamedTuple):
    """One officer or branch, as written; `twice` are members that are given more than once."""

    kind: Written
    line: int
    fields: dict[str, Written]
    twice: tuple[Written, ...] = ()


def read_entries(path: Path) -> list[Entry]:
    """The entries of a file. InputError where it cannot be read, or is no list of officers and branches at all."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"is {path.name!r}: write *.yaml or *.csv", file=str(path))
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise InputError(f"cannot be read: {reason}", file=str(path)) from None
    return list((_of_csv if path.suffix.lower() == ".csv" else _of_yaml)(text, str(path)))


def _of_csv(text: str, file: str) -> Iterator[Entry]:
    """Each row is an officer, unless the column `kind` says branch."""
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        if (wrong := _wrong_header(header)) is not None:
            raise InputError(wrong, file=file, line=1)
        for cells in rows:
            if len(cells) > len(header):
                many = f"{len(cells)} cells, but the header has {len(header)}: quote a cell that holds {delimiter!r}"
                raise InputError(many, file=file, line=rows.line_num)
            if any(cell.strip() for cell in cells):
                yield _row(dict(zip(header, map(str.strip, cells), strict=False)), rows.line_num)
    except csv.Error as error:
        raise InputError(f"not CSV: {error}", file=file, line=rows.line_num) from None


def _wrong_header(header: list[str]) -> str | None:
    if "id" not in header:
        return f"has no column 'id': write {','.join(COLUMNS)}"
    for name in header:
        if name not in COLUMNS:
            return f"has a column {name!r}{nearest(name, COLUMNS)}: write {','.join(COLUMNS)}"
        if header.count(name) > 1:
            return f"has the column {name!r} twice"
    return None


def _row(cells: dict[str, str], line: int) -> Entry:
    kind = cells.pop("kind", "") or "officer"
    return Entry(Written(kind, line), line, {name: Written(text, line) for name, text in cells.items()})


def _of_yaml(text: str, file: str) -> Iterator[Entry]:
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InputError(f"not YAML: {problem}", file=file, line=mark and mark.line + 1) from None
    if not isinstance(tree, yaml.MappingNode):
        raise InputError("must have the members officers and branches", file=file, line=1)
    for key, section in tree.value:
        name = str(key.value)
        if name not in SECTIONS:
            raise InputError(
                "is no member of a roster: it has officers and branches",
                file=file,
                line=_line(key),
                field=name,
            )
        yield from _section(SECTIONS[name], name, section, file)


def _section(kind: str, name: str, section: yaml.Node, file: str) -> Iterator[Entry]:
    if _is_nothing(section):
        return
    if not isinstance(section, yaml.SequenceNode):
        raise InputError("must be a list: - id: …", file=file, line=_line(section), field=name)
    for at, node in enumerate(section.value):
        where = f"{name}[{at}]"
        if not isinstance(node, yaml.MappingNode):
            raise InputError("must have the members id and name", file=file, line=_line(node), field=where)
        yield _item(kind, where, node, file)


def _item(kind: str, where: str, node: yaml.MappingNode, file: str) -> Entry:
    fields: dict[str, Written] = {}
    twice: list[Written] = []
    for key, value in node.value:
        name = str(key.value)
        if not isinstance(value, yaml.ScalarNode):
            raise InputError("must be text", file=file, line=_line(value), field=f"{where}.{name}")
        if name in fields:
            twice.append(Written(name, _line(key)))
        fields[name] = Written("" if _is_nothing(value) else value.value.strip(), _line(key))
    return Entry(Written(kind, _line(node)), _line(node), fields, tuple(twice))


def _is_nothing(node: yaml.Node) -> bool:
    return node.tag == "tag:yaml.org,2002:null"


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line + 1
    return line

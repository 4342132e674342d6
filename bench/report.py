"""The figures as a table on the terminal, as Markdown and as JSON."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

Figures = dict[str, float]


@dataclass
class Report:
    """Medians over the runs: by section, by line, by figure."""

    runs: int
    machine: str = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    workloads: dict[str, str] = field(default_factory=dict)
    stages: dict[str, Figures] = field(default_factory=dict)
    end_to_end: dict[str, Figures] = field(default_factory=dict)
    rules: dict[str, Figures] = field(default_factory=dict)
    event_types: dict[str, Figures] = field(default_factory=dict)
    deployment: dict[str, Figures] = field(default_factory=dict)
    open_cases: dict[str, Figures] = field(default_factory=dict)

    def text(self) -> str:
        """All tables, as Markdown that also reads well on a terminal."""
        once = (
            " Other rules over a large store, and open cases: one run."
            if self.deployment or self.open_cases
            else ""
        )
        parts = [f"Medians of {self.runs} runs.{once} {self.machine}."]
        parts += [f"{name}: {about}" for name, about in self.workloads.items()]
        parts += [_across(columns) for columns in (self.stages, self.deployment, self.open_cases) if columns]
        parts += [_down(lines) for lines in (self.end_to_end, self.rules, self.event_types) if lines]
        return "\n\n".join(parts) + "\n"

    def write(self, directory: Path) -> list[Path]:
        """Write `report.json` and `report.md`."""
        directory.mkdir(parents=True, exist_ok=True)
        as_json, as_text = directory / "report.json", directory / "report.md"
        as_json.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False), "utf-8")
        as_text.write_text(self.text(), "utf-8")
        return [as_json, as_text]


def _across(columns: dict[str, Figures]) -> str:
    """A line for each figure, a column for each workload."""
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [[name, *(_number(column.get(name)) for column in columns.values())] for name in names]
    return _table(["", *columns], rows)


def _down(lines: dict[str, Figures]) -> str:
    """A column for each figure."""
    names = list(dict.fromkeys(name for line in lines.values() for name in line))
    return _table(["", *names], [[name, *(_number(of.get(n)) for n in names)] for name, of in lines.items()])


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| "
        + " | ".join(_cell(text, width, i) for i, (text, width) in enumerate(zip(line, widths, strict=True)))
        + " |"
        for line in lines
    )


def _cell(text: str, width: int, column: int) -> str:
    return text.ljust(width) if column == 0 else text.rjust(width)

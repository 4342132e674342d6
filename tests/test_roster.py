"""Who works here: a roster is read and judged whole, and gives rows to those without cases."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loanpulse.board.compute import Computation, compute
from loanpulse.board.members import Members
from loanpulse.board.snapshot import Block
from loanpulse.board.table import Tables
from loanpulse.lab.failures import InputError
from loanpulse.roster.reading import read_roster
from loanpulse.roster.roster import NOBODY, Member, Roster, decode_roster, encode_roster
from streams.calculus.windows import Edges, Grid, instant, local_date
from tests.board_lab import DAY_MS, NOON, program, rule
from tests.board_plain import Case, Key, cases, counted_plainly, figures, fill, shown
from tests.docs_lab import block

YAML = """\
branches:
  - id: north
    name: North Street
  - {id: "7", name: Seventh}
officers:
  - id: 0112
    name: Ann Berg
    branch: north
    from: 2024-03-01
    until: 2026-02-28
  - id: ben
    name: Ben
    branch: 7
    until:
"""
CSV = """\
kind,id,name,branch,from,until
branch,north,North Street,,,
branch,7,Seventh,,,
officer,0112,Ann Berg,north,2024-03-01,2026-02-28
,ben,Ben,7
"""


def written(directory: Path, text: str, name: str = "roster.yaml") -> Path:
    path = directory / name
    path.write_text(text, "utf-8")
    return path


def complaints(directory: Path, text: str, name: str = "roster.yaml") -> list[str]:
    path = written(directory, text, name)
    with pytest.raises(InputError) as caught:
        read_roster(path)
    return [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]


def test_yaml_and_csv_say_the_same(tmp_path: Path) -> None:
    roster = read_roster(written(tmp_path, YAML))
    assert [(member.kind, member.id) for member in roster.members] == [
        ("branch", "north"),
        ("branch", "7"),
        ("officer", "0112"),
        ("officer", "ben"),
    ]
    [ann, ben] = roster.of("officer")
    assert (ann.name, ann.branch, str(ann.first_day), str(ann.last_day)) == (
        "Ann Berg", "north", "2024-03-01", "2026-02-28",
    )  # fmt: skip
    assert (ben.branch, ben.first_day, ben.last_day) == ("7", None, None)
    assert read_roster(written(tmp_path, CSV, "roster.csv")) == roster
    assert read_roster(written(tmp_path, "\ufeff" + CSV.replace(",", ";"), "other.CSV")) == roster


def test_a_stored_roster_is_read_back_and_nobody_is_stored_as_nothing(tmp_path: Path) -> None:
    roster = read_roster(written(tmp_path, YAML))
    assert decode_roster(encode_roster(roster)) == roster
    assert encode_roster(NOBODY) == b""
    assert decode_roster(b"") == NOBODY


def test_people_are_shown_with_their_name_and_others_by_id(tmp_path: Path) -> None:
    roster = read_roster(written(tmp_path, YAML))
    assert roster.called("officer", "0112") == "Ann Berg (0112)"
    assert [roster.called("officer", "north"), roster.called("product", "ben")] == ["north", "ben"]


def test_the_samples_of_the_documentation_say_the_same(tmp_path: Path) -> None:
    roster = read_roster(written(tmp_path, block("roster", "organisation.md")))
    assert read_roster(written(tmp_path, block("roster.csv", "organisation.md"), "r.csv")) == roster
    assert roster.called("officer", "o-21") == "Ben Kaya (o-21)"


def test_where_no_branch_is_listed_those_that_officers_name_are_the_branches(tmp_path: Path) -> None:
    roster = read_roster(written(tmp_path, "id,branch\nann,north\nben,north\ncid,\n", "r.csv"))
    assert [member.id for member in roster.of("branch")] == ["north"]
    assert roster.called("branch", "north") == "north"


def test_an_empty_roster_is_nobody(tmp_path: Path) -> None:
    assert read_roster(None) == NOBODY
    assert read_roster(written(tmp_path, "officers:\nbranches: []\n")) == NOBODY
    assert read_roster(written(tmp_path, "id,name\n", "r.csv")) == NOBODY


def test_every_mistake_is_told_with_its_line_its_field_its_value_and_the_way_out(tmp_path: Path) -> None:
    text = """\
kind,id,name,branch,from,until
branch,north,North,,,
officer,ann,Ann,nroth,2026-03-31,2026-03-01
officer,ann,Ann,north,,
manager,cid,Cid,,,
officer,,Dan,,31-03-2026,
officer,e e,Eve,,2026-02-30,
branch,south,South,north,,
officer,unassigned,X,,,
"""
    found = complaints(tmp_path, text, "r.csv")
    assert found == [
        "3: branch: is 'nroth', which is no branch of this file: did you mean 'north'?",
        "3: until: is 2026-03-01, before from, 2026-03-31: it is the last day at work",
        "4: id: is 'ann', the officer of line 3: keep one of them",
        "5: kind: is 'manager': must be officer or branch",
        "6: from: is '31-03-2026': write a day, as 2026-03-31",
        "6: id: is missing: as the events name them",
        "7: from: is '2026-02-30': write a day, as 2026-03-31",
        "7: id: is 'e e': 1 to 64 of A-Z a-z 0-9 . _ : / @ -, first a letter or digit",
        "8: branch: is no member of a branch, which has id, name",
        "9: id: is 'unassigned': that is the board's word for nobody; leave it out",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("officers:\n  - id: ann\n    nmae: A\n",
         "3: nmae: is no member of an officer, which has id, name, branch, from, until: did you mean 'name'?"),
        ("officers:\n  - id: ann\n    id: ben\n", "3: id: is written twice"),
        ("officers:\n  - id: ann\n    name: [A]\n", "3: officers[0].name: must be text"),
        ("officers:\n  - ann\n", "2: officers[0]: must have the members id and name"),
        ("officers: ann\n", "1: officers: must be a list: - id: …"),
        ("staff: []\n", "1: staff: is no member of a roster: it has officers and branches"),
        ("? [a]\n: 1\n", "1: [ScalarNode"),
        ("- a\n", "1: must have the members officers and branches"),
        ("", "1: must have the members officers and branches"),
        ("officers: [\n", "2: not YAML: "),
        ("branches:\n  - {id: n, name: " + "n" * 101 + "}\n", "2: name: is '" + "n" * 98),
        ("branches:\n  - {id: n, name: \"a\\tb\"}\n", "2: name: is 'a\\tb': up to 100 characters, all of them printable"),
    ],
)  # fmt: skip
def test_a_wrong_yaml_file_is_told_where(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaints(tmp_path, text)[0].startswith(complaint)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "1: has no column 'id': write kind,id,name,branch,from,until"),
        ("id,naem\n", "1: has a column 'naem': did you mean 'name'?: write kind,id,name,branch,from,until"),
        ("id,name,id\n", "1: has the column 'id' twice"),
        ("id,name\nann,A,B\n", "2: 3 cells, but the header has 2: quote a cell that holds ','"),
        ('id,name\nann,"A\n', "2: not CSV: "),
    ],
)
def test_a_wrong_csv_file_is_told_where(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaints(tmp_path, text, "r.csv")[0].startswith(complaint)


def test_a_file_that_cannot_be_read_is_told_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"r\.txt: is 'r\.txt': write \*\.yaml or \*\.csv"):
        read_roster(tmp_path / "r.txt")
    with pytest.raises(InputError, match=r"no\.csv: cannot be read: No such file"):
        read_roster(tmp_path / "no.csv")
    (tmp_path / "r.csv").write_bytes(b"id\n\xff\n")
    with pytest.raises(InputError, match=r"r\.csv: cannot be read: not UTF-8"):
        read_roster(tmp_path / "r.csv")


MEMBERS = [("officer", name) for name in ("ann", "ben", "robot", "zoe", "max")] + [
    ("branch", name) for name in ("north", "east", "ann")
]
"""Some have observations, some have none; one name is an officer's and a branch's."""


@st.composite
def rosters(draw: st.DrawFn, case: Case) -> Roster:
    today = local_date(case.to - 1, case.program.zone)
    days = st.one_of(st.none(), st.integers(-200, 2).map(lambda age: date_of(today, age)))
    members = []
    for kind, name in draw(st.lists(st.sampled_from(MEMBERS), unique=True)):
        first, last = sorted([draw(days), draw(days)], key=lambda day: str(day or ""))
        members.append(Member(kind, name, name.title(), "", first, last))  # type: ignore[arg-type]  # one of two words
    return Roster(tuple(members))


def date_of(today: Any, age: int) -> Any:
    return type(today).fromordinal(today.toordinal() + age)


def zero_rows(case: Case, of: Any, roster: Roster, without: dict[Key, dict[str, Any]]) -> set[Key]:
    """The rows that a roster adds, found once more in plain Python."""
    found = set()
    for member in roster.members:
        if member.kind not in of.dimensions:
            continue
        zone = case.program.zone
        since = None if member.first_day is None else instant(member.first_day, zone)
        until = None if member.last_day is None else instant(date_of(member.last_day, 1), zone)
        for window in of.windows if of.timed else ["now"]:
            edges = case.grid.window(window, case.to) if of.timed else Edges(case.to - 1, case.to)
            if (since is None or since < edges.to_ms) and (until is None or until > edges.from_ms):
                splits = {group for _, _, group in without if not {key for key, _ in group} - {of.split}}
                found |= {
                    (of.id, window, tuple(sorted([*group, (member.kind, member.id)]))) for group in splits
                }
    return found


@settings(max_examples=80, deadline=None)
@given(cases().flatmap(lambda case: st.tuples(st.just(case), rosters(case))))
def test_with_a_roster_the_rows_are_those_without_it_and_zero_rows(both: tuple[Case, Roster]) -> None:
    case, roster = both
    tables, members = Tables(len(case.program.measures)), Members()
    fill(tables, members, case)
    plain = compute(tables, members, case.program, case.grid, case.to)
    rostered = Computation(case.program, roster).blocks(tables, members, case.grid, case.to)
    for of in case.program.rules:
        without, with_it = shown(plain, of), shown(rostered, of)
        assert without == counted_plainly(case, of)
        added = with_it.keys() - without.keys()
        assert {key: with_it[key] for key in without} == without
        assert added == zero_rows(case, of, roster, without) - without.keys()
        nothing = figures(of, [], [], [])
        for key in added:
            assert {name: with_it[key][name] for name in nothing} == nothing


def computed(roster: Roster, *rules: str, to: int = NOON) -> dict[str, Block]:
    of = program(*(rule(name) for name in rules))
    grid = Grid.live(of.zone)
    return Computation(of, roster).blocks(Tables(len(of.measures)), Members(), grid, grid.end(to))


def test_an_officer_without_cases_has_a_row_of_nothing_in_every_window() -> None:
    ann = Roster((Member("officer", "ann", "Ann"), Member("branch", "north", "North")))
    blocks = computed(ann, "count", "turnaround", "productivity", "risk")
    for kpi, value in (("count", 0.0), ("turnaround", None), ("productivity", None)):
        rows = list(blocks[kpi].rows())
        for label in ({"officer": "ann"}, {"branch": "north"}):
            own = [row for row in rows if row.group == label]
            assert {row.window for row in own} == {frame.window for frame in blocks[kpi].frames}
            assert {(row.n, row.value) for row in own} == {(0, value)}
    heads = {row.denominator for row in blocks["productivity"].rows()}
    assert heads == {0}
    assert not blocks["risk"].groups


def test_a_leaver_has_rows_of_nothing_only_in_windows_of_his_time() -> None:
    last = local_date(NOON - 10 * DAY_MS, program().zone)
    leaver = Member("officer", "ann", "Ann", last_day=last)
    newcomer = Member("officer", "ben", "Ben", first_day=local_date(NOON, program().zone))
    to_come = Member("officer", "cid", "Cid", first_day=local_date(NOON + DAY_MS, program().zone))
    blocks = computed(Roster((leaver, newcomer, to_come)), "count")
    windows = [frame.window for frame in blocks["count"].frames]
    assert {"1h", "24h", "7d", "30d"} <= set(windows)

    def windows_of(officer: str) -> list[str]:
        return [row.window for row in blocks["count"].rows() if row.group == {"officer": officer}]

    assert [window for window in windows if window not in windows_of("ann")] == [
        window for window in windows if window in ("1h", "4h", "24h", "7d", "today", "month")
    ]
    assert windows_of("ben") == windows
    assert windows_of("cid") == []

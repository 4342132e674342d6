"""What the source may and may not do, read from the source itself."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("schemas", "kpi_rules", "streams", "loanpulse")
CLOCK = Path("streams/runtime/clock.py")
PURE = ("schemas", "kpi_rules", "streams/calculus")
MOST_LINES = 300

IMPURE_MODULES = {
    "asyncio", "http", "io", "logging", "multiprocessing", "os", "random", "secrets", "shutil", "signal",
    "socket", "subprocess", "tempfile", "threading", "time", "urllib", "uuid",
    "aiokafka", "faust", "httpx", "kafka", "redis", "requests",
}  # fmt: skip
IO_CALLS = {
    "open",
    "print",
    "input",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "iterdir",
    "glob",
}
CLOCK_READS = {"time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.strftime"}

# Written so that no pattern matches its own line.
FORBIDDEN = (
    r"pypi[.]org", r"pythonhosted[.]org", r"maven[.](org|apache[.]org)", r"npmjs[.]org", r"crates[.]io",
    r"proxy[.]golang", r"(?i)work[p]lace", r"/work[/](main|shared|[.])", r"[/]tmp[/]lp", r"issues sho[w]\b",
    r"(?i)\bchat[b]ot\b", r"(?i)\bsub-?[a]gent",
)  # fmt: skip


def modules(*folders: str) -> list[Path]:
    """Python files under folders of the project, as paths relative to its root."""
    return sorted(path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text(), filename=str(module))


@cache
def imported(module: Path) -> list[str]:
    """Every dotted name that a module imports, wherever the statement stands."""
    names = []
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: relative import"
            names.append(str(node.module))
    return names


@cache
def called(module: Path) -> list[str]:
    """Every name that a module calls, as it is written."""
    return [ast.unparse(node.func) for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]


def tracked() -> list[Path]:
    """Files that belong to the project: committed, or new and not ignored."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607  # git is where it is
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return [Path(name) for name in listing.split("\0") if name and (ROOT / name).is_file()]


def test_each_layer_imports_only_itself_and_the_layers_before_it() -> None:
    for position, layer in enumerate(LAYERS):
        later = {*LAYERS[position + 1 :], "tests", "bench"}
        for module in modules(layer):
            wrong = later & {name.split(".")[0] for name in imported(module)}
            assert not wrong, f"{module} imports {wrong}"


def test_the_oracle_knows_nothing_of_the_engine() -> None:
    for module in modules("tests/oracle"):
        wrong = set(LAYERS) & {name.split(".")[0] for name in imported(module)}
        assert not wrong or module.name.startswith("test_"), f"{module} imports {wrong}"


def test_rules_and_calculus_read_no_clock_and_do_no_io() -> None:
    for module in modules(*PURE):
        wrong = IMPURE_MODULES & {name.split(".")[0] for name in imported(module)}
        assert not wrong, f"{module} imports {wrong}"
        calls = IO_CALLS & {name.rsplit(".", 1)[-1] for name in called(module)}
        assert not calls, f"{module} calls {calls}"


def reads_the_clock(module: Path) -> set[str]:
    """Ways to ask the wall clock that a module uses; a stopwatch (monotonic, perf_counter) is none."""
    names = set(called(module))
    reads = names & CLOCK_READS
    reads |= {name for name in names if re.search(r"\bdate(time)?\.(now|utcnow|today)$", name)}
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            reads |= {alias.name for alias in node.names} & {name.split(".")[1] for name in CLOCK_READS}
    return reads


def test_only_one_module_reads_the_wall_clock() -> None:
    assert reads_the_clock(CLOCK)
    for module in modules(*LAYERS):
        assert module == CLOCK or not reads_the_clock(module), f"{module} calls {reads_the_clock(module)}"


def test_no_module_is_longer_than_300_lines() -> None:
    for module in modules(*LAYERS, "tests", "bench"):
        lines = len((ROOT / module).read_text().splitlines())
        assert lines <= MOST_LINES, f"{module} has {lines} lines"


IMPORT_ALL = """
import importlib, os, sys
acts = {"socket.bind", "socket.connect", "socket.getaddrinfo", "os.mkdir", "os.remove", "os.rename",
        "os.system", "os.fork", "os.posix_spawn", "subprocess.Popen", "shutil.rmtree", "tempfile.mkstemp"}
module = ""

def watch(event, args):
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    written = event == "open" and isinstance(args[2], int) and args[2] & writing
    if (event in acts or written) and args and args[0] != os.devnull:
        print(module, event, args, file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)

others, ours = (names.split(",") for names in sys.argv[1:])
for module in others:
    importlib.import_module(module)
sys.addaudithook(watch)
for module in ours:
    importlib.import_module(module)
"""


def test_import_does_nothing(tmp_path: Path) -> None:
    """No connection, no file, no process: an audit hook watches a new interpreter import every module.

    Of ours: what libraries do when they are imported (Faust asks for the interpreter's architecture) is done before.
    """
    names = [".".join(module.with_suffix("").parts).removesuffix(".__init__") for module in modules(*LAYERS)]
    names = [name for name in names if not name.endswith("__main__")]
    others = {name for module in modules(*LAYERS) for name in imported_at_once(module)}
    others = {name for name in others if name.split(".")[0] not in LAYERS}
    result = subprocess.run(
        [sys.executable, "-B", "-c", IMPORT_ALL, ",".join(sorted(others)), ",".join(names)],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert not list(tmp_path.iterdir())


def test_each_module_can_be_imported_first() -> None:
    """A cycle of imports shows only to whoever begins at its wrong end, so look for it in the source."""
    names = {".".join(m.with_suffix("").parts).removesuffix(".__init__"): m for m in modules(*LAYERS)}
    needs = {name: top_level_imports(module) & names.keys() for name, module in names.items()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path, name))
        if name not in done:
            for other in sorted(needs[name]):
                visit(other, (*path, name))
            done.add(name)

    for name in names:
        visit(name, ())


def imported_at_once(module: Path) -> set[str]:
    """The modules that a module's statements import, not those inside of its functions."""
    found: set[str] = set()
    for node in tree(module).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return found


def top_level_imports(module: Path) -> set[str]:
    """Modules that are imported while this one is (`from a import b` may mean the module a.b)."""
    found = imported_at_once(module)
    for node in tree(module).body:
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found - {".".join(module.parent.parts)}


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_no_tracked_file_names_where_it_was_made(pattern: str) -> None:
    seen = re.compile(pattern)
    for path in tracked():
        text = (ROOT / path).read_bytes().decode("utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            assert not seen.search(line), f"{path}:{number}: {line.strip()[:120]}"

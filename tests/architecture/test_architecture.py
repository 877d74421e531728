"""The house's own rules, asked of the source itself."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

import groundwire

ROOT = Path(groundwire.__file__).parents[2]
SOURCE = ROOT / "src" / "groundwire"
FILES = sorted(SOURCE.rglob("*.py"))
LONGEST_FILE = 400
# a codec's messages are one flat table, and so are all the error texts
TABLES = {"chips/beken/codec.py", "chips/beken/messages.py"}
PUBLIC = {
    "BootloaderPolicy", "Event", "ExitCode", "GroundwireError", "Identity", "RestoreRequest",
    "Session", "SessionOptions", "Span", "__version__", "change_flash", "families",
    "image_request", "open_module", "open_port", "plan_on_module", "plan_over_dump",
    "read_proven", "recognise", "restore_backup", "take_backup", "verify_image",
}  # fmt: skip
SERIAL_ROOMS = ("link/",)
CLOCK_ROOMS = ("link/", "jobs/", "cli/")


def name_of(path):
    return path.relative_to(SOURCE).as_posix()


@functools.cache
def trees():
    return [(name_of(path), ast.parse(path.read_text(encoding="utf-8"))) for path in FILES]


def test_there_is_source_to_look_at():
    assert len(FILES) > 100


@pytest.mark.slow
def test_imports_point_one_way():
    command = [
        sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"
    ]  # fmt: skip
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 broken" in ran.stdout


def test_the_public_names_are_these():
    """Whoever adds or takes away a name does it on purpose, here and in the changelog."""
    assert set(groundwire.__all__) == PUBLIC


def test_every_public_name_is_there():
    for name in groundwire.__all__:
        assert getattr(groundwire, name) is not None
    with pytest.raises(AttributeError):
        _ = groundwire.no_such_name


def test_importing_the_package_is_light():
    """It opens, reads and starts nothing, and does not import what is slow."""
    code = (
        "import sys, groundwire; "
        "heavy = {'serial', 'numpy', 'rich', 'click', 'cryptography', 'asyncio', 'socket'}; "
        "print(sorted(heavy & set(sys.modules)), len([n for n in sys.modules if 'groundwire' in n]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded, count = ran.stdout.rsplit(" ", 1)
    assert loaded == "[]"
    assert int(count) <= 3


def test_the_library_never_prints_prompts_or_exits():
    for name, tree in trees():
        if name.startswith("cli/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("print", "input", "exit", "quit", "breakpoint"), name


def test_nothing_sleeps_or_reads_a_clock_outside_its_rooms():
    for name, tree in trees():
        if name.startswith(CLOCK_ROOMS):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert "time" not in [alias.name for alias in node.names], name
            if isinstance(node, ast.ImportFrom):
                assert node.module != "time", name


def test_only_one_room_knows_that_serial_ports_exist():
    for name, tree in trees():
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for one in names:
                if one.split(".")[0] == "serial":
                    assert name.startswith(SERIAL_ROOMS), f"{name} imports {one}"


def test_no_file_outgrows_its_limit():
    long = {
        name_of(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in FILES
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE
    }
    assert set(long) <= TABLES, long


def test_every_module_says_what_it_is():
    for name, tree in trees():
        if not name.endswith(("_version.py", "__main__.py")):
            assert ast.get_docstring(tree), name


def test_no_room_is_a_drawer():
    drawers = {"utils", "util", "common", "helpers", "helper", "core", "base", "misc", "part2"}
    for path in FILES:
        assert not drawers & {part.removesuffix(".py") for part in path.relative_to(SOURCE).parts}


def test_no_house_error_is_left_to_chance():
    """Nothing is caught without a name, and nothing is asserted about the peer."""
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"{name}:{node.lineno}"

"""The pages of docs/reference are what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from cli_desk import Desk, Runner
from groundwire.cli.main import VERBS
from groundwire.cli.shapes import EVENT_TYPES
from groundwire.errors import ExitCode, error_classes

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


def test_generated_pages_are_current() -> None:
    ran = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "generate_docs.py"), "--check"],
        env={"PATH": "/usr/bin", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_every_code_verb_and_status_is_on_its_page() -> None:
    errors = (REFERENCE / "errors.md").read_text()
    for code, cls in error_classes().items():
        if cls.__module__.startswith("groundwire"):
            assert f"### `{code}`" in errors
    commands = (REFERENCE / "cli.md").read_text()
    assert all(f"\n## {verb}\n" in commands for verb in VERBS)
    statuses = (REFERENCE / "exit-codes.md").read_text()
    assert all(f"| {int(code)} |" in statuses for code in ExitCode)


def test_the_json_page_names_every_event() -> None:
    page = (REFERENCE / "json.md").read_text()
    assert all(f"| `{name}` |" in page for name in EVENT_TYPES.values())


def documented(verb: str) -> set[str]:
    """The fields that the JSON page promises for a verb."""
    page = (REFERENCE / "json.md").read_text()
    row = next(line for line in page.splitlines() if re.match(rf"\| .*`{verb}`.* \|", line))
    return set(re.findall(r"`(\w+)`", row.split("|")[2]))


def test_results_hold_what_the_json_page_promises(
    groundwire: Runner, desk: Desk, image: Path, tmp_path: Path
) -> None:
    desk.put("desk", "BK7231N")
    dump = tmp_path / "dump.bin"
    port = ("-p", "desk", "--json")
    runs = {
        "identify": ("identify", *port),
        "backup": ("backup", "-o", dump, *port),
        "read": ("read", "0+1", tmp_path / "part", *port),
        "plan": ("plan", image, "--over", dump, "--json"),
        "write": ("write", image, "--yes", "--folder", tmp_path, *port),
        "verify": ("verify", image, *port),
        "ports": ("ports", "--json"),
    }
    for verb, arguments in runs.items():
        ran = groundwire(*arguments)
        assert ran.code == 0, ran
        assert ran.err == ""
        assert documented(verb) - {"type"} <= set(ran.result), verb
    assert {"code", "title", "text", "error_exit_code", "how_to_go_on"} <= set(
        groundwire("explain", "link", "--json").result
    )


def test_a_plan_is_a_line_before_the_change(groundwire: Runner, desk: Desk, tmp_path: Path) -> None:
    desk.put("desk", "BK7231N")
    ran = groundwire(
        "erase", "0x1EE000+0x1000", "-p", "desk", "--yes", "--folder", tmp_path, "--json"
    )
    kinds = [line["type"] for line in ran.lines]
    write = next(at for at, line in enumerate(ran.lines) if line.get("name") == "write")
    assert kinds.index("plan") < write
    assert ran.result["outcome"]["erased_bytes"] == 4096

"""The list of verbs, the entry and what it imports."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from cli_desk import Runner
from groundwire._version import __version__
from groundwire.cli.main import VERBS, main

HEAVY = ("rich", "serial", "numpy", "cryptography", "littlefs", "groundwire.chips.registry")


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from groundwire.cli.main import entry\n"
        "status = entry(['--help'])\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.stderr.write(repr((status, heavy)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == "(0, [])"
    assert all(f"  {verb} " in ran.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_file_and_its_page(verb: str, groundwire: Runner) -> None:
    command = import_module(f"groundwire.cli.{verb}").command
    assert isinstance(command, click.Command)
    assert command.name == verb
    ran = groundwire(verb, "--help")
    assert ran.code == 0
    assert f"Usage: groundwire {verb}" in ran.out
    assert ran.err == ""


def test_every_module_verb_has_the_shared_flags() -> None:
    for verb in (
        "identify",
        "backup",
        "read",
        "erase",
        "plan",
        "write",
        "verify",
        "restore",
        "free",
    ):
        command = import_module(f"groundwire.cli.{verb}").command
        flags = {flag for one in command.params for flag in one.opts}
        assert {
            "-p", "--port", "-b", "--baud", "-c", "--chip", "--flash-size", "--json", "--trace",
            "-v", "--no-color", "--link-wait", "--no-lines", "--no-ask",
        } <= flags, verb  # fmt: skip


def test_verbs_without_a_module_have_the_screen_flags() -> None:
    for verb in ("ports", "emulate", "demo", "explain"):
        command = import_module(f"groundwire.cli.{verb}").command
        flags = {flag for one in command.params for flag in one.opts}
        assert {"--json", "-v", "--no-color"} <= flags, verb


def test_version(groundwire: Runner) -> None:
    ran = groundwire("--version")
    assert (ran.code, ran.out) == (0, f"groundwire {__version__}\n")


def test_no_arguments_is_help(groundwire: Runner) -> None:
    assert groundwire().out == groundwire("--help").out


def test_an_unknown_verb_is_a_usage_error(groundwire: Runner) -> None:
    ran = groundwire("flash")
    assert ran.code == 2
    assert ran.err.startswith("error: no such command 'flash'")
    assert "see groundwire --help" in ran.err


def test_an_unknown_verb_as_json(groundwire: Runner) -> None:
    ran = groundwire("flash", "--json")
    assert ran.result["error"]["code"] == "usage.command-line"
    assert ran.err == ""


def test_the_installed_command_is_the_entry() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "groundwire", "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, f"groundwire {__version__}\n")


@pytest.mark.slow
def test_completion_offers_verbs_ports_chips_and_codes() -> None:
    def offered(words: str, at: int, environment: dict[str, str] | None = None) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "groundwire"],
            env={
                "PATH": "/usr/bin",
                "PYTHONPATH": ":".join(sys.path),
                "_GROUNDWIRE_COMPLETE": "bash_complete",
                "COMP_WORDS": words,
                "COMP_CWORD": str(at),
                **(environment or {}),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.stderr == ""
        return ran.stdout

    assert "plain,identify" in offered("groundwire id", 1)
    assert "plain,BK7231N" in offered("groundwire identify -c bk72", 3)
    assert "plain,sim:bk7231n" in offered("groundwire identify -p sim:bk7231n", 3)
    assert "plain,link.nothing" in offered("groundwire explain link.", 2)
    assert "plain,--trace" in offered("groundwire identify --tr", 2)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str, groundwire: Runner) -> None:
    ran = groundwire("completion", shell)
    assert ran.code == 0
    assert f"_GROUNDWIRE_COMPLETE={shell}_complete" in ran.out


def test_the_group_is_lazy() -> None:
    context = click.Context(main)
    assert main.get_command(context, "os") is None  # any other module must not be reachable
    assert main.list_commands(context) == list(VERBS)


def test_files_are_small() -> None:
    folder = Path(import_module("groundwire.cli").__path__[0])
    assert all(len(path.read_text().splitlines()) <= 400 for path in folder.glob("*.py"))

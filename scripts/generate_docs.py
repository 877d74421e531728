"""Write docs/reference from the code, or check that it is current.

python scripts/generate_docs.py [--check]
"""

from __future__ import annotations

import argparse
import inspect
import os
import sys
from importlib import import_module
from pathlib import Path

import click

from groundwire.bootlog.signatures import Kind, Signature, SignatureTable, signature_table
from groundwire.cli import failures
from groundwire.cli.explain import said, title_of
from groundwire.cli.main import VERBS, main
from groundwire.errors import EXIT_CODE_MEANINGS, GroundwireError, error_classes

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
WIDTH = 96
MARK = "<!-- made by scripts/generate_docs.py: change the code, not this page -->\n"


def help_page(command: click.Command, path: str) -> str:
    """What `--help` prints at a fixed width."""
    context = click.Context(
        command, info_name=path, terminal_width=WIDTH, help_option_names=["-h", "--help"]
    )
    return command.get_help(context).strip()


def cli_page() -> str:
    """All `--help` pages."""
    parts = ["# Commands\n", MARK]
    parts += [f"```text\n$ groundwire --help\n{help_page(main, 'groundwire')}\n```\n"]
    for verb, title in VERBS.items():
        command = import_module(f"groundwire.cli.{verb}").command
        page = help_page(command, f"groundwire {verb}")
        parts += [f"## {verb}\n", f"{title[0].upper()}{title[1:]}.\n", f"```text\n{page}\n```\n"]
        if isinstance(command, click.Group):
            for name, below in command.commands.items():
                page = help_page(below, f"groundwire {verb} {name}")
                parts += [f"### {verb} {name}\n", f"```text\n{page}\n```\n"]
    return "\n".join(parts)


def errors_page() -> str:
    """All error codes, by exit status."""
    parts = [
        "# Error codes\n",
        MARK,
        "`groundwire explain CODE` prints the same. Codes are stable; `--json` carries them.\n",
    ]
    by_status: dict[int, list[tuple[str, type[GroundwireError]]]] = {}
    for code, cls in error_classes().items():
        by_status.setdefault(int(cls.exit_code), []).append((code, cls))
    for status in sorted(by_status):
        meaning = next(text for one, text in EXIT_CODE_MEANINGS.items() if int(one) == status)
        parts.append(f"## Exit status {status}: {meaning}\n")
        for code, cls in by_status[status]:
            parts += [f"### `{code}`\n", f"{inspect.getdoc(cls) or title_of(cls)}\n"]
            rows = (
                ("Likely", said(cls, "means")),
                ("Next", said(cls, "next_step")),
                ("On the command line", failures.FLAGS.get(code, "")),
            )
            listed = [f"- {name}: {text}" for name, text in rows if text]
            parts += [*listed, ""] if listed else []
    return "\n".join(parts)


def exit_codes_page() -> str:
    """The exit statuses."""
    rows = [f"| {int(code)} | {text} |" for code, text in EXIT_CODE_MEANINGS.items()]
    return "\n".join(
        [
            "# Exit statuses\n",
            MARK,
            "The exit status, the last line of `--json` and the screen always agree.\n",
            "| status | meaning |",
            "| --- | --- |",
            *rows,
            "",
            "`groundwire emulate` serves until it is stopped, so Ctrl-C is how it ends well: 0.",
            "The same holds for `meter watch`, `record`, `publish` and `emulate`.",
            "A result that could not be written because the disk is full is 2, whatever was done.",
            "A reader of standard output that goes away (`| head`) changes nothing.\n",
        ]
    )


def signatures_page() -> str:
    """Every diagnosis, with what it rests on."""
    table = signature_table()
    parts = [
        "# Diagnoses\n",
        MARK,
        "What `groundwire diagnose` knows. *How sure* is what a row says by itself: evidence from",
        "elsewhere raises or lowers it. Numbers are those of the catalogue the rows come from.\n",
    ]
    for kind in Kind:
        parts.append(f"## {KIND_TITLES[kind]}\n")
        for one in sorted(table.signatures.values(), key=lambda one: (one.rank, one.id)):
            if one.kind is kind:
                parts += signature_lines(one, table)
    parts += ["## Tests that tell causes apart\n"]
    parts += [f"- `{one.name}`: {one.ask}. {cell(one.tells)}." for one in table.tests.values()]
    return "\n".join([*parts, ""])


KIND_TITLES = {
    Kind.FAULT: "Faults",
    Kind.NOTICE: "Worth knowing, but no fault",
    Kind.SOUND: "Sound",
}


def cell(text: str) -> str:
    """Text of the table that cannot form markup."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def signature_lines(one: Signature, table: SignatureTable) -> list[str]:
    """One diagnosis."""
    rows = (
        ("How sure", f"{one.confidence}, {one.evidence}"),
        ("Tells it apart", one.tells_apart),
        ("Next", one.next_step),
        ("Tests", ", ".join(f"`{name}`" for name in one.tests if name in table.tests)),
        ("Source", one.source),
    )
    listed = [f"- {name}: {cell(text)}" for name, text in rows if text]
    return [f"### `{one.id}` ({one.number})\n", f"{cell(one.means)}.\n", *listed, ""]


PAGES = {
    "cli.md": cli_page,
    "errors.md": errors_page,
    "exit-codes.md": exit_codes_page,
    "signatures.md": signatures_page,
}


def stale_pages() -> list[str]:
    """The names of pages that are not what the code says."""
    stale = []
    for name, make in PAGES.items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != make():
            stale.append(name)
    return stale


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail where a page is stale")
    options = parser.parse_args()
    os.environ.pop("COLUMNS", None)
    if not options.check:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name, make in PAGES.items():
            (FOLDER / name).write_text(make(), encoding="utf-8")
        return 0
    stale = stale_pages()
    if stale:
        print(f"{', '.join(stale)} stale: run python scripts/generate_docs.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(run())

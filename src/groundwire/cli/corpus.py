"""groundwire corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from groundwire.backup.files import check_writable
from groundwire.cli.options import FILE, NumberType, Settings, screen_options
from groundwire.cli.portless import Shown, without_module
from groundwire.cli.render import table
from groundwire.cli.screen import Screen
from groundwire.events import Phase

if TYPE_CHECKING:
    from groundwire.jobs.corpus import Corpus

MOST_WORKERS: Final = 1024
VERSIONS_SHOWN: Final = 12


@click.command("corpus")
@click.argument("folders", metavar="DIR...", type=FILE, nargs=-1, required=True)
@click.option(
    "-o", "--output", type=FILE, required=True, help="TABLE.jsonl, TABLE.csv or TABLE.parquet."
)
@click.option(
    "--workers",
    type=NumberType(0, MOST_WORKERS),
    default=0,
    help="Processes to work in; left out, one for each core.",
)
@click.option("--dask", metavar="ADDRESS", help="Work on the Dask cluster at this address instead.")
@click.option("--all", "keep_others", is_flag=True, help="List files that are no images, too.")
@screen_options
def command(
    settings: Settings,
    folders: tuple[Path, ...],
    output: Path,
    workers: int,
    dask: str | None,
    keep_others: bool,
) -> None:
    """Inspect folders of dumps in parallel and write one table, without any secret in it.

    Every file below DIR is taken, NAME.xz unpacked. The table tells kind, chip, verdict, versions
    and pins of each, which files are duplicates, and which are dumps of one and the same module
    (`device`), in which order (`store_generation`). The modules have numbers: neither a MAC nor
    its hash is written.
    """
    corpus(settings, folders, output, workers, dask, keep_others=keep_others)


def corpus(
    settings: Settings,
    folders: tuple[Path, ...],
    output: Path,
    workers: int = 0,
    dask: str | None = None,
    *,
    keep_others: bool = False,
) -> None:
    """Find, inspect, relate, write."""

    def act(screen: Screen) -> Shown:
        check_writable(output, 1)
        from groundwire.jobs.corpus import (  # noqa: PLC0415 - numpy is slow to import
            dask_runner,
            find_files,
            local_runner,
            make_corpus,
            table_writer,
        )

        write = table_writer(output)
        run = dask_runner(dask) if dask else local_runner(workers)
        paths = find_files(folders)
        screen.tell(Phase("corpus", f"inspecting {len(paths)} files"))
        made = make_corpus(paths, run, keep_others=keep_others, tell=screen.tell)
        write(made)
        return _shown(made, output)

    without_module(settings, "corpus", act)


def _shown(made: Corpus, output: Path) -> Shown:
    values = {
        "file": str(output),
        "rows": len(made.rows),
        "others": made.others,
        "duplicates": made.duplicates,
        "repeated_devices": made.repeated_devices,
        "verdicts": made.verdicts,
        "versions": made.versions,
    }
    rows = [
        ("table", f"{output}, {len(made.rows)} rows"),
        ("no images", f"{made.others} files, left out" if made.others else ""),
        ("duplicates", str(made.duplicates)),
        ("dumped again", f"{made.repeated_devices} modules"),
        *((f"verdict: {verdict}", str(count)) for verdict, count in made.verdicts.items()),
    ]
    versions = list(made.versions.items())
    lines = ["inspected", *table(rows), "applications"]
    lines += table([(name, str(count)) for name, count in versions[:VERSIONS_SHOWN]])
    more = len(versions) - VERSIONS_SHOWN
    return Shown([*lines, *([f"  and {more} more"] if more > 0 else [])], values)

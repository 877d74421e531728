"""The corpus job: folders of dumps, inspected in parallel, as one table."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import multiprocessing
import os
import secrets
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from groundwire.backup.files import write_atomically
from groundwire.errors import BadArgument, InputUnreadable, UnsupportedHere
from groundwire.events import Progress, Tell, tell_nobody
from groundwire.jobs.corpus_row import CorpusRow, row_of

COLUMNS = tuple(field.name for field in dataclasses.fields(CorpusRow) if field.name != "device_tag")
WAITING_PER_WORKER = 4  # files handed out ahead; more would only hold memory
SINGLE = 3  # so few files are done here: starting a process takes longer than they do
Runner = Callable[[Sequence[str], bytes], Iterator[CorpusRow]]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The table, and how many files were seen that are no images and stand in no row."""

    rows: tuple[CorpusRow, ...]
    others: int

    @property
    def duplicates(self) -> int:
        """How many files have the bytes of another."""
        return sum(bool(row.duplicate_of) for row in self.rows)

    @property
    def repeated_devices(self) -> int:
        """How many modules were dumped more than once, with different content."""
        seen = Counter(row.device for row in self.rows if row.device and not row.duplicate_of)
        return sum(count > 1 for count in seen.values())

    @property
    def verdicts(self) -> dict[str, int]:
        """How many files have each verdict; those that could not be read count as unreadable."""
        return dict(Counter(row.verdict or "unreadable" for row in self.rows))

    @property
    def versions(self) -> dict[str, int]:
        """How many files hold each application, the commonest first."""
        seen = Counter(row.application for row in self.rows if row.application)
        return dict(seen.most_common())


def find_files(folders: Iterable[Path]) -> list[str]:
    """All regular files in folders and below, links to folders not followed; named files as is.

    Raises:
        InputUnreadable: a folder is not there, or may not be listed.
    """
    found: set[str] = set()

    def refuse(error: OSError) -> None:
        name = str(error.filename)
        raise InputUnreadable(path=name, reason=error.strerror or str(error)) from error

    for folder in folders:
        if not folder.is_dir():
            if not folder.exists():
                raise InputUnreadable(path=str(folder), reason="no such file or folder")
            found.add(str(folder))
            continue
        for place, _folders, names in os.walk(folder, onerror=refuse):
            paths = (Path(place, name) for name in names if not name.startswith("."))
            found |= {str(path) for path in paths if is_regular(path)}
    return sorted(found)


def is_regular(path: Path) -> bool:
    """Whether reading the path would end: no pipe, no device, no link to nowhere."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def make_corpus(
    paths: Sequence[str],
    run: Runner,
    *,
    keep_others: bool = False,
    tell: Tell = tell_nobody,
) -> Corpus:
    """Inspect files and put them into one table, in the order of their paths."""
    rows = []
    for row in run(paths, secrets.token_bytes(32)):
        rows.append(row)
        tell(Progress("inspect files", len(rows), len(paths)))
    rows.sort(key=lambda row: row.path)
    kept = [row for row in rows if keep_others or row.is_image or row.error]
    return Corpus(tuple(related(kept)), len(rows) - len(kept))


def related(rows: Iterable[CorpusRow]) -> Iterator[CorpusRow]:
    """The rows with what they have to do with each other: duplicates, and dumps of one module."""
    first: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for row in rows:
        same = first.setdefault(row.sha256, row.path) if row.sha256 else row.path
        number = numbers.setdefault(row.device_tag, len(numbers) + 1) if row.device_tag else 0
        yield replace(row, duplicate_of="" if same == row.path else same, device=number)


# --- who does the work ----------------------------------------------------------------------------


def local_runner(workers: int = 0) -> Runner:
    """Inspect in processes of this computer, as many as it has cores unless told otherwise."""

    def run(paths: Sequence[str], tag_key: bytes) -> Iterator[CorpusRow]:
        count = min(workers or len(os.sched_getaffinity(0)), len(paths))
        if count <= 1 or len(paths) <= SINGLE:
            yield from (row_of(path, tag_key) for path in paths)
            return
        context = multiprocessing.get_context("spawn")  # the progress bar runs in a thread
        executor = ProcessPoolExecutor(count, mp_context=context)
        try:
            yield from _handed_out(executor, paths, tag_key, count * WAITING_PER_WORKER)
        finally:
            executor.shutdown(wait=True, cancel_futures=True)

    return run


def _handed_out(
    executor: ProcessPoolExecutor, paths: Sequence[str], tag_key: bytes, ahead: int
) -> Iterator[CorpusRow]:
    """Rows as they are done, never more than `ahead` files being worked on."""
    waiting: dict[Future[CorpusRow], str] = {}
    left = iter(paths)
    while True:
        while len(waiting) < ahead and (path := next(left, None)) is not None:
            waiting[executor.submit(row_of, path, tag_key)] = path
        if not waiting:
            return
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            path = waiting.pop(future)
            failure = future.exception()
            # a process that died, most likely for want of memory, costs the file, not the table
            yield future.result() if failure is None else CorpusRow(path, error=str(failure))


def dask_runner(address: str) -> Runner:
    """Inspect on the workers of a Dask cluster, which must see the files under the same paths.

    Raises:
        UnsupportedHere: Dask is not installed.
    """
    distributed = require_extra("distributed", "work on a Dask cluster", "dask")

    def run(paths: Sequence[str], tag_key: bytes) -> Iterator[CorpusRow]:
        try:
            client = distributed.Client(address, timeout="10s", set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise BadArgument(
                name="Dask address", value=address, expected=f"a scheduler that answers ({error})"
            ) from error
        with client:
            absolute = [str(Path(path).resolve()) for path in paths]
            names = dict(zip(absolute, paths, strict=True))
            futures = client.map(row_of, absolute, tag_key=tag_key, pure=False)
            for future in distributed.as_completed(futures, loop=client.loop):
                row: CorpusRow = future.result()
                yield replace(row, path=names[row.path])

    return run


def require_extra(module: str, asked: str, extra: str) -> Any:
    """An optional module, or the way to get it.

    Raises:
        UnsupportedHere: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise UnsupportedHere(
            asked=asked,
            reason=f"{module.partition('.')[0]} is not installed",
            advice=f"install groundwire[{extra}]",
        ) from error


# --- the table ------------------------------------------------------------------------------------


def table_writer(path: Path) -> Callable[[Corpus], None]:
    """What writes the table in the form that the name of the file asks for.

    Raises:
        BadArgument: another ending than .jsonl, .csv and .parquet.
        UnsupportedHere: what writes Parquet is not installed.
    """
    forms: dict[str, Callable[[Corpus], bytes]] = {".jsonl": as_json_lines, ".csv": as_csv}
    if path.suffix == ".parquet":
        parquet = require_extra("pyarrow.parquet", "writing Parquet", "parquet")
        forms[".parquet"] = lambda corpus: as_parquet(corpus, parquet)
    form = forms.get(path.suffix)
    if form is None:
        raise BadArgument(name="table", value=path.name, expected="NAME.jsonl, .csv or .parquet")
    return lambda corpus: write_atomically(path, form(corpus))


def values_of(row: CorpusRow) -> dict[str, str | int]:
    """A row as plain values by column."""
    return {name: getattr(row, name) for name in COLUMNS}


def as_json_lines(corpus: Corpus) -> bytes:
    """One JSON object a line."""
    return "".join(f"{json.dumps(values_of(row))}\n" for row in corpus.rows).encode()


def as_csv(corpus: Corpus) -> bytes:
    """Comma-separated values with a head line; a leading =, +, - or @ cannot become a formula."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for row in corpus.rows:
        values = values_of(row)
        writer.writerow(
            {name: f"'{one}" if str(one)[:1] in tuple("=+-@\t\r") else one
             for name, one in values.items()}
        )  # fmt: skip
    return out.getvalue().encode("utf-8", "backslashreplace")


def as_parquet(corpus: Corpus, parquet: Any) -> bytes:
    """A Parquet file."""
    arrow = import_module("pyarrow")
    out = io.BytesIO()
    columns = {name: [_clean(getattr(row, name)) for row in corpus.rows] for name in COLUMNS}
    parquet.write_table(arrow.table(columns), out)
    return out.getvalue()


def _clean(value: str | int) -> str | int:
    """Names of files need not be text."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value

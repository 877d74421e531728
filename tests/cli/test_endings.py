"""Every way a command can end badly: one message, the right exit status, JSON that agrees."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from cli_desk import Desk, Runner
from groundwire.cli import consent, endings, explain, failures, identify, main
from groundwire.cli.endings import message
from groundwire.cli.failures import next_step
from groundwire.cli.invocation import Invocation
from groundwire.cli.streams import clean
from groundwire.errors import (
    EXIT_CODE_MEANINGS,
    BackupUnusable,
    Cancelled,
    CommandRefused,
    ExitCode,
    GroundwireError,
    InternalError,
    LinkLost,
    NoDiagnosis,
    OutputUnwritable,
    RefusedBySafety,
    StoppedPartWay,
    UnknownImage,
    UnsupportedHere,
    error_classes,
)

ONE_OF_EACH: list[tuple[int, GroundwireError]] = [
    (1, InternalError(detail="x")),
    (2, OutputUnwritable(path="x", reason="y")),
    (3, LinkLost(command="read")),
    (4, CommandRefused(command="read", status=3, meaning="no")),
    (5, BackupUnusable(finding="blank")),
    (6, UnknownImage(name="x", size=1, finding="nothing")),
    (7, UnsupportedHere(asked="x", reason="y")),
    (8, RefusedBySafety(rule="x", finding="y")),
    (9, StoppedPartWay(reason="x", done_sectors=1, total_sectors=2, folder="f")),
    (10, NoDiagnosis(subject="this log", seen="2 lines", tests=("listen longer",))),
    (130, Cancelled()),
]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Makes `groundwire explain` raise whatever is given."""

    def with_error(error: BaseException) -> None:
        def raise_it(*_given: object) -> None:
            raise error

        monkeypatch.setattr(explain, "explain", raise_it)

    return with_error


@pytest.mark.parametrize(("code", "error"), ONE_OF_EACH)
def test_each_class_has_its_exit_status(
    code: int, error: GroundwireError, failing, groundwire: Runner
) -> None:
    failing(error)
    ran = groundwire("explain")
    assert ran.code == code
    assert ran.out == ""
    assert ran.err.startswith(f"error: {error.what}\n")
    as_json = groundwire("explain", "--json")
    assert as_json.result["error"]["code"] == error.code
    assert as_json.err == ""


def test_every_exit_status_is_covered_and_documented() -> None:
    statuses = {0, *(code for code, _ in ONE_OF_EACH)}
    assert statuses == {int(code) for code in ExitCode} == {int(one) for one in EXIT_CODE_MEANINGS}


def test_a_defect_is_one_message_without_a_traceback(failing, groundwire: Runner) -> None:
    failing(ZeroDivisionError("division by zero"))
    ran = groundwire("explain")
    assert ran.code == 1
    assert ran.err.startswith("error: groundwire itself failed: ZeroDivisionError: division")
    assert 'File "' not in ran.err
    as_json = groundwire("explain", "--json")
    assert as_json.result["error"]["code"] == "internal"


def test_a_defect_with_vv_shows_where(failing, capsys: pytest.CaptureFixture[str]) -> None:
    failing(ZeroDivisionError("division by zero"))
    assert main.entry(["explain", "-vv"]) == 1
    captured = capsys.readouterr()
    assert "Traceback" in captured.err
    assert main.entry(["explain", "-vv", "--json"]) == 1
    captured = capsys.readouterr()
    assert "Traceback" in captured.err
    assert json.loads(captured.out)["exit_code"] == 1


def test_a_defect_goes_into_the_trace_file(
    groundwire: Runner, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object, **_more: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(identify, "identity_lines", broken)
    desk.put("desk", "BK7231N")
    trace = tmp_path / "t.jsonl"
    assert groundwire("identify", "-p", "desk", "--trace", trace).code == 1
    rows = [json.loads(line) for line in trace.read_text().splitlines()]
    assert "ZeroDivisionError" in rows[-1]["traceback"]
    assert rows[0]["trace"] == "groundwire"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_is_130(error: BaseException, failing, groundwire: Runner) -> None:
    failing(error)
    ran = groundwire("explain", "--json")
    assert ran.code == 130
    assert ran.result["error"]["code"] == "cancelled"


def test_the_message_has_four_parts() -> None:
    text = message(LinkLost(command="read"))
    assert text == (
        "error: the module stopped answering at read\n"
        "  likely   the chip restarted (supply dip), or a damaged command keeps it busy\n"
        "  next     take the power away for ten seconds and run the same command again; "
        "-b 115200 stays at the slowest speed\n"
        "  more     groundwire explain link.lost"
    )


def test_words_from_outside_cannot_reach_the_terminal() -> None:
    name = "\x1b]0;owned\x07\x1b[2J\u202egnp.bin\r\n"
    shown = message(OutputUnwritable(path=name, reason=name))
    assert not any(ord(char) < 0x20 and char != "\n" for char in shown)
    assert "\u202e" not in shown


def test_clean_keeps_words_and_bounds_them() -> None:
    assert clean("größe 4 KiB\n") == "größe 4 KiB\n"
    assert clean("a\tb\x9b\ud800\ufeff") == "a\\x09b\\x9b\\ud800\\ufeff"
    assert len(clean("x" * 10_000, 100)) < 150


def test_every_flag_hint_belongs_to_a_code() -> None:
    assert set(failures.FLAGS) <= set(error_classes())


def test_flag_hints_name_flags_that_exist() -> None:
    known = {"--help", "-vv"}
    for verb in main.VERBS:
        for one in import_module(f"groundwire.cli.{verb}").command.params:
            known |= {flag for flag in one.opts if flag.startswith("-")}
    texts = [*failures.FLAGS.values(), *(text for _, text in failures.OVERRIDES)]
    for text in texts:
        for flag in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text):
            assert flag in known, (flag, text)
        for verb in re.findall(r"groundwire ([a-z]+)", text):
            assert verb in main.VERBS, text


def test_the_library_names_no_flag() -> None:
    for code, cls in error_classes().items():
        if cls.__module__ == "groundwire.errors":
            assert "--" not in (cls.__doc__ or "").replace(" -- ", ""), code


def test_a_refusal_names_the_flag_that_lifts_it() -> None:
    error = RefusedBySafety(rule="r", finding="the MAC in the backup is not the MAC of this module")
    assert next_step(error).endswith("--other-module, if you mean it")


@pytest.mark.parametrize(
    ("arguments", "verb", "is_json", "verbosity"),
    [
        (["identify", "--json", "-vv"], "identify", True, 2),
        (["read", "1+2", "--", "--json"], "read", False, 0),
        (["-x"], "", False, 0),
        (["write", "-v", "x", "-v"], "write", False, 2),
    ],
)
def test_what_the_bare_words_say(
    arguments: list[str], verb: str, is_json: bool, verbosity: int
) -> None:
    found = Invocation.of(arguments, tuple(main.VERBS))
    assert (found.verb, found.is_json, found.verbosity) == (verb, is_json, verbosity)


def test_a_defect_in_the_middle_of_a_job_is_reported_in_its_folder(
    groundwire: Runner, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object, **_more: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(consent, "plan_lines", broken)
    desk.put("desk", "BK7231N")
    before = desk.flash("desk")
    span = "0x1EE000+0x1000"
    assert groundwire("erase", span, "-p", "desk", "--yes", "--folder", tmp_path).code == 1
    (report,) = tmp_path.glob("*/report.md")
    assert "ZeroDivisionError" in report.read_text()
    assert desk.flash("desk") == before


def test_explaining_says_what_is_likely_and_how_to_go_on(groundwire: Runner) -> None:
    result = groundwire("explain", "link.lost", "--json").result
    assert "supply dip" in result["likely"]
    assert "take the power away" in result["how_to_go_on"]
    assert "-b 115200" in result["how_to_go_on"]
    for code in error_classes():
        assert groundwire("explain", code).code == 0


def call(*arguments: str, **more) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "groundwire", *arguments], text=True, check=False, **more
    )


def test_a_reader_that_goes_away_ends_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = call("explain", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_result_that_could_not_be_written_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        ran = call("explain", "--json", stdout=full, stderr=subprocess.PIPE)
        assert ran.returncode == 2
        assert os.strerror(errno.ENOSPC) in ran.stderr
        assert "Traceback" not in ran.stderr


def test_odd_encodings_do_not_break_the_screen() -> None:
    ran = call(
        "explain", "größe\udcff",
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert ran.returncode == 2
    assert "there is no error code 'gr" in ran.stderr


def test_endings_never_print_tracebacks_by_themselves() -> None:
    assert "traceback" not in (endings.message(InternalError(detail="x"))).lower()

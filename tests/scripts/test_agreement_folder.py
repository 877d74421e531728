"""scripts/agreement on folders of logs: the table, and an exit status that can be relied on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from corpus import corpus_folder
from talking import APP_N, BOOT_N, LATER_N

ROOT = Path(__file__).parents[2]


def agreement(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", ROOT / "scripts/agreement", *map(str, arguments)],
        env={**os.environ, "GROUNDWIRE_PYTHON": sys.executable, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def put(folder: Path, name: str, data: bytes, *ids: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.log").write_bytes(data)
    answer = {"diagnoses": [{"id": one, "confidence": "high"} for one in ids], "must_not": []}
    (folder / f"{name}.expected.json").write_text(json.dumps(answer))


def test_right_diagnoses_are_exit_status_0(tmp_path):
    put(tmp_path, "sound", BOOT_N + APP_N + LATER_N, "healthy")
    ran = agreement(tmp_path)
    assert ran.returncode == 0, ran
    assert "1 logs, 1 with the expected first diagnosis, 0 wrong" in ran.stdout


def test_a_wrong_one_is_exit_status_1_also_in_a_subfolder(tmp_path):
    put(tmp_path / "logs", "sound", BOOT_N + APP_N + LATER_N, "wrong-key")
    ran = agreement(tmp_path)
    assert ran.returncode == 1
    assert "WRONG  sound" in ran.stdout


def test_nothing_to_compare_is_exit_status_2(tmp_path):
    assert agreement(tmp_path).returncode == 2
    assert agreement(tmp_path / "none").returncode == 2
    assert agreement().returncode == 2


def test_an_answer_that_cannot_be_read_is_said_and_not_passed_over(tmp_path):
    put(tmp_path, "sound", BOOT_N + APP_N + LATER_N, "healthy")
    (tmp_path / "torn.log").write_bytes(b"x")
    (tmp_path / "torn.expected.json").write_text("{")
    ran = agreement(tmp_path)
    assert ran.returncode == 2
    assert "unreadable: torn" in ran.stderr


@pytest.mark.corpus
def test_the_page_in_the_documents_is_the_table_of_the_corpus():
    ran = agreement(corpus_folder() / "logs")
    assert ran.returncode == 0
    page = (ROOT / "docs/agreement-logs.md").read_text(encoding="utf-8")
    table = [line.rstrip() for line in ran.stdout.splitlines()[1:]]
    assert "\n".join(table) in page

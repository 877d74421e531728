#!/usr/bin/env python3
"""Compare the diagnosis of every log in a folder with its known answer.

usage: agreement_logs.py FOLDER [--write PAGE.md]

The folder holds NAME.log and NAME.expected.json pairs. Prints a table of right, wrong and missed
diagnoses with precision and recall, and exits with 1 where any is wrong, with 2 where there is
nothing to compare or a pair cannot be read. --write keeps the table as a page.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from groundwire.bootlog.agreement import LogAgreement, LogAnswer, compare, table

PAGE = """# Agreement on boot logs

<!-- made by scripts/agreement_logs.py FOLDER --write docs/agreement-logs.md -->

What `groundwire diagnose` says of {count} logs with known answers, as `scripts/agreement FOLDER`
prints it. Most are what real images printed when they were executed, some with a fault put in;
others are real bytes sent through a model of a bad line, or excerpts from public reports. *right*:
the first diagnosis is among the expected ones and none is forbidden. *extra* is a diagnosis that
nobody listed, *missed* a listed one that was not made.

Two logs (`obk-t-first-boot`, `obk-t-config-corrupt`) are the same bytes with different histories:
no log can tell a first boot from lost settings.

```text
{table}
```
"""


def read_agreements(folder: Path) -> tuple[list[LogAgreement], list[str]]:
    """Each log with its answer compared, and the pairs that cannot be read."""
    agreements, unread = [], []
    for answer_path in sorted(folder.glob("*.expected.json")):
        name = answer_path.name.removesuffix(".expected.json")
        log = folder / f"{name}.log"
        if not log.exists() and (folder / f"{name}.bin.xz").exists():
            continue  # the answer of an image
        try:
            document = json.loads(answer_path.read_text(encoding="utf-8"))
            answer, data = LogAnswer.of(document), log.read_bytes()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            unread.append(f"{name}: {error}")
            continue
        agreements.append(compare(name, data, answer))
    return agreements, unread


def compare_logs(folder: Path, page: Path | None = None) -> int:
    """Print the table for one folder; the exit status."""
    agreements, unread = read_agreements(folder)
    for line in unread:
        print(f"unreadable: {line}", file=sys.stderr)
    if not agreements:
        print(f"no NAME.log with NAME.expected.json in {folder}", file=sys.stderr)
        return 2
    lines = table(agreements)
    print("\n".join(lines))
    if page is not None:
        text = "\n".join(line.rstrip() for line in lines)
        page.write_text(PAGE.format(count=len(agreements), table=text), encoding="utf-8")
    if any(agreement.wrong for agreement in agreements):
        return 1
    return 2 if unread else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", type=Path, metavar="PAGE.md")
    options = parser.parse_args()
    return compare_logs(options.folder, options.write)


if __name__ == "__main__":
    sys.exit(main())

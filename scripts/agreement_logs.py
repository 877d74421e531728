#!/usr/bin/env python3
"""Compare the diagnosis of every log in a folder with its known answer.

usage: agreement_logs.py FOLDER

The folder holds NAME.log and NAME.expected.json pairs. Prints a table of right, wrong and missed
diagnoses with precision and recall, and exits with 1 where any is wrong.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from groundwire.bootlog.agreement import LogAnswer, compare, table


def compare_logs(folder: Path) -> int:
    """Print the table for one folder; the exit status."""
    agreements = []
    for answer_path in sorted(folder.glob("*.expected.json")):
        name = answer_path.name.removesuffix(".expected.json")
        document = json.loads(answer_path.read_text(encoding="utf-8"))
        data = (folder / f"{name}.log").read_bytes()
        agreements.append(compare(name, data, LogAnswer.of(document)))
    if not agreements:
        print(f"no NAME.expected.json in {folder}", file=sys.stderr)
        return 2
    print("\n".join(table(agreements)))
    return 1 if any(agreement.wrong for agreement in agreements) else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(compare_logs(Path(sys.argv[1])))

"""Back a module up, proven. `python back_up_module.py FILE [PORT]`."""

import sys
from pathlib import Path

from groundwire import open_module, take_backup

with open_module(sys.argv[2] if len(sys.argv) > 2 else "sim:bk7231t") as session:
    backup = take_backup(session, Path(sys.argv[1]))
    print(f"{len(backup.data)} bytes, SHA-256 {backup.manifest.sha256}")

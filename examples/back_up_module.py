"""Back a module up, proven. `python back_up_module.py FILE [PORT]`"""

import sys
from pathlib import Path

from groundwire import Session, families, open_port, take_backup

opened = open_port(sys.argv[2] if len(sys.argv) > 2 else "sim:bk7231t")
session = Session(opened.port, families(), tell=opened.listener(lambda event: None))
session.link()
backup = take_backup(session, Path(sys.argv[1]))
print(f"{len(backup.data)} bytes, SHA-256 {backup.manifest.sha256}")

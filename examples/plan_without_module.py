"""What would writing an image over a dump change? `python plan_without_module.py IMAGE DUMP`"""

import sys
from pathlib import Path

from groundwire import plan_over_dump

plan = plan_over_dump(Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]).read_bytes())
for task in plan.tasks:
    acts = [name for name, wanted in (("erase", task.erase), ("program", task.program)) if wanted]
    print(f"0x{task.address:06X} {' and '.join(acts)}: {task.why}")

"""What is on this port? `python identify_module.py [PORT]`; without one, an emulated BK7231N."""

import sys

from groundwire import Session, families, open_port

opened = open_port(sys.argv[1] if len(sys.argv) > 1 else "sim:bk7231n")
session = Session(opened.port, families(), tell=opened.listener(lambda event: None))
identity = session.link()
print(f"{identity.chip} with {identity.flash_size >> 20} MiB, MAC {identity.mac or 'unknown'}")
for fact in identity.evidence:
    print(f"  {fact.fact}: {fact.value} ({fact.source})")

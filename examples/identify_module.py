"""What is on this port? `python identify_module.py [PORT]`; without one, an emulated BK7231N."""

import sys

from groundwire import open_module

with open_module(sys.argv[1] if len(sys.argv) > 1 else "sim:bk7231n") as session:
    identity = session.identity
    size = identity.flash_size >> 20
    print(f"{identity.chip} with {size} MiB, MAC {identity.mac or 'unknown'}")
    for fact in identity.evidence:
        print(f"  {fact.fact}: {fact.value} ({fact.source})")

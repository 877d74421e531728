"""`python -m groundwire` is the same as `groundwire`."""

import sys

from groundwire.cli.main import entry

if __name__ == "__main__":
    sys.exit(entry())

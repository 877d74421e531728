"""`python -m groundwire` is the command line."""

from groundwire.cli.main import entry

if __name__ == "__main__":
    entry()

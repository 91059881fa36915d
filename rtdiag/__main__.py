"""`python -m rtdiag` is `rtdiag`."""

from rtdiag.cli import main

main(prog_name="rtdiag")

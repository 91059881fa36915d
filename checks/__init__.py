"""The checks, one file each, imported as rtdiag.checks. A module here ends in `CHECK = Check(…)`; being here is being
found.
"""

"""A status on a page: a sign and a word, so that nothing hangs on a colour alone."""

from __future__ import annotations

from rtdiag.model import Status
from rtdiag.report.markup import Markup, element
from rtdiag.report.phrases import SIGNS


def status(found: Status) -> Markup:
    """Sign and word, as `✗ fail`."""
    return element("span", f"{SIGNS[found]} {found}", class_=f"status {found}")


def sign(found: Status | None) -> Markup:
    """The sign alone, with the word for who cannot see it; a blank of its width where there is none."""
    if found is None:
        return element("span", class_="sign")
    return element("span", SIGNS[found], class_=f"sign {found}", title=found, role="img", aria_label=found)

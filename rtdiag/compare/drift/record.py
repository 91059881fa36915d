"""What is asked of the report that is compared: of whom it is, and what of it can be asked again."""

from __future__ import annotations

from rtdiag.api.endpoints import OFFICIAL_HOSTS
from rtdiag.model import Exchange, Report


def path(report: Report, exchange: Exchange) -> str | None:
    """The path and query below the base URL, None for an exchange with another server."""
    base = report.target.base_url.rstrip("/")
    url = exchange.url if "://" in exchange.url else base + exchange.url
    url, base = (text.partition("://")[2] for text in (url, base))
    below = url.removeprefix(base)
    return below if below != url and below[:1] in ("/", "?", "") else None


def official(report: Report) -> bool:
    """Whether it was OpenAI's own API that was asked."""
    return report.target.base_url.partition("://")[2].partition("/")[0] in OFFICIAL_HOSTS

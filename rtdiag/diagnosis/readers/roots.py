"""Which of several failed requests the others follow from: the first in time whose failure explains them."""

from __future__ import annotations

from collections.abc import Sequence

from rtdiag.api.expressions import expression
from rtdiag.diagnosis import wording
from rtdiag.diagnosis.readers import routes
from rtdiag.diagnosis.readers.error_bodies import of_the_api
from rtdiag.diagnosis.readers.forms import Draft
from rtdiag.diagnosis.readers.har_exchange import Exchange
from rtdiag.diagnosis.readers.plain import parsed

# What the API says where a page sent no token, or the text of a missing one.
_NO_TOKEN = expression(
    r"(?i)provided: ?['\"]?(?:undefined|null|none|nan|\[object)|missing bearer|did.?n.t provide an api key|no api key provided"
)
_NO_REASON = ("no answer was recorded", "net::ERR_FAILED")


class Failure:
    """A request that failed; `feeds` says that others need what it should have given, `more` how many like it came after it.

    `weight` is 2 for what is this API's business whatever else failed, 1 for a page's own route by its name, 0 for any other
    request, which counts only where a failure of the API follows from it.
    """

    def __init__(self, exchange: Exchange, draft: Draft, weight: int, *, feeds: bool) -> None:
        self.draft, self.weight, self.feeds, self.more = draft, weight, feeds, 0
        self.number, self.when, self.url = exchange.number, exchange.when, exchange.url
        self.is_preflight, self.answered = exchange.is_preflight, bool(draft.status)
        self.names_no_reason = draft.text in _NO_REASON
        self.lacks_token = not feeds and _lacks_token(exchange, draft)
        self._may_be_mute = exchange.status >= 400 and not routes.is_api(exchange.url)
        self._sent = exchange.heads.secret if exchange.heads.secret.isalpha() else ""

    @property
    def alike(self) -> tuple[object, ...]:
        """What two failures share that tell the same."""
        draft = self.draft
        path = self.url.partition("?")[0]
        return (draft.method, path, draft.status, draft.text, draft.credential, *draft.circumstances)

    def tell_of_route(self, *, needed: bool) -> None:
        """Say of a page's own route what its answer does not say by itself: that it should have brought the token, or may have."""
        if self._may_be_mute and (needed or self.weight == 1) and not _names_an_error(self.draft.text):
            what = "did not bring the token" if needed else "for tokens or offers refused"
            self.draft.circumstances.append(f"the page's own route {what}")

    @property
    def consequence(self) -> str:
        """What followed, in words; "" where it follows from nothing."""
        with_what = f"with `Bearer {self._sent}`" if self._sent else "without a token"
        return f"{self.draft.where}, {with_what}, follows from {self.draft.follows}" if self.draft.follows else ""


def sorted_out(failures: Sequence[Failure], worked: int) -> list[Failure]:
    """The failures that count, in order of time; what follows from another is marked so and comes last.

    `worked` is the number of the last request to the API that went well: a page's own route that failed before it did no harm.
    """
    ordered = _without_echoes(_in_time(failures))
    roots = {id(f): root for n, f in enumerate(ordered) if (root := _root_of(f, ordered[:n])) is not None}
    needed = {id(root) for root in roots.values()}
    heaviest = 2 if needed or any(f.weight == 2 for f in ordered) else 1
    kept = [f for f in ordered if id(f) in needed or (f.weight >= heaviest and (f.weight == 2 or f.number > worked))]
    for failure in kept:
        failure.tell_of_route(needed=id(failure) in needed)
        failure.draft.where += f", and {failure.more} more like it" if failure.more else ""
    for failure in kept:
        failure.draft.follows = roots[id(failure)].draft.where if id(failure) in roots else ""
    return sorted(kept, key=lambda f: id(f) in roots)


def _in_time(failures: Sequence[Failure]) -> list[Failure]:
    dated = [(failure.when, failure.number, failure) for failure in failures if failure.when is not None]
    if len(dated) < len(failures):
        return sorted(failures, key=lambda f: f.number)
    return [failure for _, _, failure in sorted(dated, key=lambda one: one[:2])]


def _root_of(failure: Failure, before: Sequence[Failure]) -> Failure | None:
    """What a request without a token follows from: the last one before it that should have brought it, by its name or place."""
    if not failure.lacks_token:
        return None
    earlier = [f for f in reversed(before) if not f.lacks_token]
    return next((f for f in earlier if f.feeds), None) or next((f for f in earlier if not f.weight), None)


def _without_echoes(failures: list[Failure]) -> list[Failure]:
    """One failure where a browser keeps two: a preflight and the request that it was for."""
    proven = {f.url for f in failures if f.is_preflight and f.answered}
    silent = {f.url for f in failures if f.is_preflight and not f.answered}
    told = {f.url for f in failures if not f.is_preflight}
    for failure in failures:
        if failure.url in silent and failure.names_no_reason and not failure.is_preflight:
            failure.draft.circumstances.append("its preflight got no answer either")
    return [
        f
        for f in failures
        if not (f.url in proven and not f.is_preflight and f.names_no_reason)
        and not (f.is_preflight and not f.answered and f.url in told)
    ]


def _lacks_token(exchange: Exchange, draft: Draft) -> bool:
    unset = any("unset variable" in fact or "it is empty" in fact for fact in exchange.heads.circumstances)
    return unset or (draft.status in (401, 403) and bool(_NO_TOKEN.search(draft.text[:4000])))


def _names_an_error(text: str) -> bool:
    """Whether an answer holds an error of the API, or its words."""
    return of_the_api(parsed(text)) is not None or bool(wording.code_in(text[:4000]))

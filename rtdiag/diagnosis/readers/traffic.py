"""Recorded HTTP traffic, whoever recorded it: which requests failed, and which of these failures the others follow from.

What counts are requests to the Realtime API, those of the page's own routes that feed it (tokens, sessions, offers), and error
bodies of OpenAI's shape wherever they came from. Requests to other products fail for reasons of their own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from rtdiag.api.endpoints import OFFICIAL_BASE_URL, OFFICIAL_HOSTS
from rtdiag.api.expressions import expression
from rtdiag.diagnosis import lexicon
from rtdiag.diagnosis.readers import routes, sdp_text, unanswered
from rtdiag.diagnosis.readers.channel_log import Channel
from rtdiag.diagnosis.readers.content_policy import forbids
from rtdiag.diagnosis.readers.error_bodies import of_the_api
from rtdiag.diagnosis.readers.forms import MOST_SITUATIONS, Draft, Reading, cut
from rtdiag.diagnosis.readers.har_exchange import Exchange
from rtdiag.diagnosis.readers.headers import answered
from rtdiag.diagnosis.readers.minted import Tokens, may_hold_tokens, mint_oddities
from rtdiag.diagnosis.readers.plain import compact, parsed
from rtdiag.diagnosis.readers.roots import Failure, sorted_out
from rtdiag.diagnosis.readers.secrets import Learner
from rtdiag.model import counted

_ASSET = expression(r"\.(?:m?js|css|map|png|svg|jpe?g|gif|ico|woff2?|html?|wasm|tsx?)\Z")
_LONGEST_BODY = 64 * 1024
_MOST_NAMED, _MOST_OTHERS = 3, 50

_UNSEEN = (
    "what passes on a data channel, ICE, DTLS and sound do not stand in it: bring the dump of chrome://webrtc-internals or the "
    "console's lines, or let `rtdiag run` ask"
)


class Traffic:
    """What is known of recorded traffic so far, fed exchange by exchange; nothing is kept but what failed and what led to it.

    `unseen` says what such a form cannot show; `shows_credentials`: one that was sent stands in it.
    """

    def __init__(self, form: str, learner: Learner, unseen: str = _UNSEEN, *, shows_credentials: bool = False) -> None:
        self.count = 0
        self._form = form
        self._learner = learner
        self._tokens = Tokens(learner)
        self._realtime = self._failed = self._worked = 0
        self._failures: dict[tuple[Any, ...], Failure] = {}
        self._others: deque[Failure] = deque(maxlen=_MOST_OTHERS)
        self._source: Exchange | None = None  # the last answer that should hold a token
        self._has_credentials = shows_credentials
        self._unseen = unseen
        self._policy = ""
        self._noted: dict[str, None] = {}

    def take(self, exchange: Exchange, channel: Channel) -> None:
        """Take in one exchange, and the events that passed on its socket."""
        self.count += 1
        self._has_credentials |= exchange.shows_credentials
        if exchange.kind == "document" or "text/html" in exchange.answered.get("content-type", ""):
            self._policy = exchange.answered.get("content-security-policy", "")
        is_asset = bool(_ASSET.search(routes.path_of(exchange.url)))
        if exchange.ok:
            self._learn(exchange)
        if (channel.events and channel.is_of_a_session) or (_is_api(exchange) and not is_asset):
            self._realtime += not exchange.is_preflight
            self._judge(exchange, channel)
        elif not is_asset:
            self._judge_own(exchange)

    def reading(self, broken: str = "") -> Reading:
        """What the whole tells: the failures, roots first; where there are none, what is not seen here."""
        failures = sorted_out([*self._failures.values(), *self._others, *self._forbidden()], self._worked)
        for failure in failures:
            if failure.draft.credential is None and not failure.is_preflight and not failure.draft.follows:
                self._say_without_credential(failure.draft)
        return Reading(self._form, [f.draft for f in failures], note=self._note(failures, broken))

    def _learn(self, exchange: Exchange) -> None:
        known = self._tokens.known
        if may_hold_tokens(exchange.url, exchange.body):
            self._tokens.learn(exchange.url, exchange.body, exchange.when)
        if exchange.body.lstrip()[:1] == "{" and (
            self._tokens.known > known or routes.is_own_route(exchange.url) or routes.is_mint(exchange.url)
        ):
            self._source = exchange

    def _judge(self, exchange: Exchange, channel: Channel) -> None:
        used = self._tokens.used(exchange.heads.secret, exchange.when)
        failures = channel.failures() if channel.events else []
        odd = self._oddities(exchange)
        if odd is None and not failures and (exchange.ok or exchange.status == 101) and not exchange.is_preflight:
            self._worked = exchange.number
        if odd is not None and not (failures and not exchange.status):
            self._add(exchange, self._draft(exchange, odd + used), 2, feeds=routes.is_mint(exchange.url))
        for failure in failures:
            self._add(exchange, self._on_channel(exchange, failure, used), 2)
        if exchange.status == 101 and not channel.events:
            self._say(f"what passed on the socket of {exchange.place} does not stand in it")

    def _judge_own(self, exchange: Exchange) -> None:
        """A request that is none to the API: an error of the API in its answer counts wherever it came from."""
        body = exchange.body if len(exchange.body) <= _LONGEST_BODY and '"error"' in exchange.body else ""
        error = of_the_api(parsed(body)) if body else None
        odd = [] if error else self._oddities(exchange) if not exchange.ok or exchange.error else _of_page(exchange)
        if odd is None or (300 <= exchange.status < 400):
            return
        own = _is_own(exchange)
        draft = self._draft(exchange, odd)
        if error:
            _tell_error(draft, error)
        weight = _weight(exchange, own=own, error=bool(error))
        product = lexicon.product_of_url(exchange.url)
        if product is not None:
            draft.url = routes.path_of(exchange.url)  # a function of one's own that lies there
        if not weight and (product or error or "realtime" in exchange.url.lower()):
            name = f"{routes.named(exchange.url, exchange.method)} ({exchange.status or exchange.error})"
            self._say(f"{name} comes from {product.name}, not from this API" if product else f"{name} is not this API")
        self._add(exchange, draft, weight, feeds=own or bool(error))

    def _oddities(self, exchange: Exchange) -> list[str] | None:
        if unanswered.ended_by_page(exchange):
            self._say(f"the page itself gave up {exchange.place}")
            return None
        return _oddities(exchange, self._policy)

    def _say(self, what: str) -> None:
        if len(self._noted) < _MOST_OTHERS:
            self._noted[what] = None

    def _add(self, exchange: Exchange, draft: Draft, weight: int, *, feeds: bool = False) -> None:
        failure = Failure(exchange, draft, weight, feeds=feeds)
        if not weight:
            self._others.append(failure)
            return
        self._failed += 1
        known = self._failures.get(failure.alike)
        if known is not None:
            known.more += 1
        elif len(self._failures) < MOST_SITUATIONS:
            self._failures[failure.alike] = failure
            self._add_empty_handed(failure)

    def _add_empty_handed(self, failure: Failure) -> None:
        """Where a page goes on without a token: the answer that should have held it, if that did not fail itself."""
        source = self._source if failure.lacks_token else None
        if source is not None and not any(f.feeds for f in self._failures.values()):
            draft = self._draft(source, ["the answer holds no token where the page looked for it"])
            draft.text = draft.circumstances[0]  # and none of what it holds, which is no failure
            empty = Failure(source, draft, 2, feeds=True)
            self._failures.setdefault(empty.alike, empty)

    def _forbidden(self) -> list[Failure]:
        """A token was handed out, nothing was asked with it, and the page's own policy would forbid that."""
        source, policy = self._source, forbids(self._policy, OFFICIAL_BASE_URL, "")
        if self._realtime or self._failures or source is None or not policy or not self._tokens.known:
            return []
        draft = self._draft(
            source, [f"the page's Content-Security-Policy does not allow a request to the API: {policy}"]
        )
        draft.text = "no request to the API follows"
        return [Failure(source, draft, 2, feeds=True)]

    def _say_without_credential(self, draft: Draft) -> None:
        if self._has_credentials:
            draft.credential = "none"
        else:
            draft.circumstances.append(
                f"no request in the {self._form} shows a credential: a sanitized export leaves them out"
            )

    def _note(self, failures: list[Failure], broken: str) -> str:
        parts = [f.consequence for f in failures if f.consequence][:_MOST_NAMED] if failures else self._of_none_failed()
        silent = [f.draft.where for f in failures if f.names_no_reason and not f.answered][:_MOST_NAMED]
        parts += [
            f"{place} got no answer and no reason is written here: the browser's console names it" for place in silent
        ]
        if self._failed > MOST_SITUATIONS == len(self._failures):
            parts.append(
                f"{self._failed} requests failed, the first {MOST_SITUATIONS} that tell something new are judged"
            )
        if broken:
            parts.append(f"the {self._form} ends early, after {counted(self.count, 'request')} ({broken})")
        return "; ".join(parts)

    def _of_none_failed(self) -> list[str]:
        asked = f"{counted(self.count, 'request')}, {self._realtime} to the Realtime API"
        parts = [f"the {self._form} holds {asked}; none of these failed", *list(self._noted)[:_MOST_NAMED]]
        if not self._realtime and (policy := forbids(self._policy, OFFICIAL_BASE_URL, "")):
            parts.append(f"the page's policy ({policy}) allows none to it, and what is forbidden is not kept")
        return [*parts, self._unseen] if self._realtime or self._tokens.known else parts

    def _draft(self, exchange: Exchange, odd: list[str]) -> Draft:
        said, facts = sdp_text.sent(exchange.sent)
        for text in filter(None, (exchange.sent, exchange.body)):
            self._learner.text(text[:_LONGEST_BODY])
            self._learner.value(parsed(text) if text.lstrip()[:1] in ("{", "[") else None)
        status = exchange.status or (unanswered.upgrade_status(exchange.error) if exchange.is_socket else None)
        draft = Draft(
            text=cut(exchange.body, _LONGEST_BODY) or _words(exchange, status, odd),
            content_type=exchange.heads.content_type or exchange.sent_type or None,
            sent=cut(said, _LONGEST_BODY) or None,
            status=status or None,
            surface=routes.surface_of(exchange.url, exchange.method) if status else "client",
            circumstances=odd + facts + answered(exchange.answered.items()),
        )
        return self._asked(draft, exchange)

    def _on_channel(self, exchange: Exchange, failure: Draft, used: list[str]) -> Draft:
        """A failure on a WebSocket, with what is known of how the socket was opened."""
        failure.circumstances += [f"connected to {exchange.url}", *used]
        event, kind = failure.method, failure.url
        self._asked(failure, exchange)
        if kind is not None:
            failure.method, failure.url = event, kind
        return failure

    def _asked(self, draft: Draft, exchange: Exchange) -> Draft:
        """Fill in what was asked: method and URL, the credential and where it was minted, the day and the place."""
        draft.method, draft.url = exchange.method or None, exchange.url or None
        draft.dialect = routes.dialect_of(exchange.url)
        draft.circumstances += exchange.heads.circumstances
        draft.when = exchange.when.date() if exchange.when else None
        draft.where, draft.id = exchange.place, exchange.id or None
        draft.credential = self._tokens.credential(exchange.heads.secret, exchange.heads.kind)
        return draft


def _is_api(exchange: Exchange) -> bool:
    """Whether the API is asked, or another product's that is built after it; of others a path alone says nothing."""
    if not routes.is_api(exchange.url, exchange.method):
        return False
    product = lexicon.product_of_url(exchange.url)
    return product is None or product.same


def _weight(exchange: Exchange, *, own: bool, error: bool) -> int:
    """How much a failure counts that is none of the API's own URLs (roots.Failure)."""
    host = routes.host_of(exchange.url)
    if lexicon.product_of_url(exchange.url) and not _is_hosted_function(exchange.url):
        return 0
    if error and host not in OFFICIAL_HOSTS:
        return 0 if exchange.is_foreign and host.startswith("api.") else 2
    return 1 if error or (own and not exchange.is_foreign) else 0


def _is_hosted_function(url: str) -> bool:
    """Whether a backend of one's own answers at another product's host, as Supabase's functions do."""
    return routes.path_of(url).startswith("/functions/")


def _is_own(exchange: Exchange) -> bool:
    """Whether a page's own route was asked, by its name or by what was sent."""
    return (routes.is_own_route(exchange.url) or _is_offer(exchange)) and not exchange.is_socket


def _of_page(exchange: Exchange) -> list[str] | None:
    return ["the answer is a web page, not JSON"] if exchange.is_web_page and _is_own(exchange) else None


def _tell_error(draft: Draft, error: Mapping[str, Any]) -> None:
    """Let a draft tell the API's error alone; the status of a backend that wraps it in a 200 or 500 of its own is not the API's."""
    draft.text = compact({"error": error})
    if draft.status is not None and not 400 <= draft.status < 500:
        draft.circumstances.append(f"the page's own backend answered {draft.status} with it")
        draft.status = None


def _words(exchange: Exchange, status: int | None, odd: list[str]) -> str:
    """What stands for a body where none came: the browser's words, or the status."""
    if exchange.error or status:
        return exchange.error or f"{status} {exchange.status_text}".strip()
    return "; ".join(odd[:1])


def _oddities(exchange: Exchange, policy: str) -> list[str] | None:
    """What is wrong with an exchange by itself, [] where the status says it all, None where nothing is."""
    if exchange.is_preflight and exchange.status:
        refused = unanswered.refused_preflight(exchange)
        return [refused] if refused else None
    if exchange.is_socket and exchange.status != 101:
        return _refused_upgrade(exchange)
    if (kept := unanswered.withheld(exchange)) and not (exchange.status >= 400 and exchange.body):
        return [kept]
    if exchange.status < 200 and exchange.status != 101:
        forbidden = "" if exchange.error else forbids(policy, exchange.url, exchange.asked.get("origin", ""))
        return (
            [f"the page's Content-Security-Policy forbids it: {forbidden}"]
            if forbidden
            else unanswered.reason(exchange)
        )
    return _of_answer(exchange)


def _of_answer(exchange: Exchange) -> list[str] | None:
    if exchange.status in (101, 304):
        return None
    if not exchange.ok:
        place = exchange.answered.get("location") if exchange.status < 400 else None
        return [f"redirected to {place}"] if place else []
    if exchange.error:
        return [f"the browser says {exchange.error}"]
    if routes.is_mint(exchange.url) and exchange.method == "POST" and exchange.body:
        return mint_oddities(parsed(exchange.sent), parsed(exchange.body), exchange.when) or None
    answers_offer = routes.takes_offers(exchange.url) and exchange.method == "POST" and exchange.body
    return ["the answer is no SDP"] if answers_offer and not exchange.body.lstrip().startswith("v=0") else None


def _refused_upgrade(exchange: Exchange) -> list[str]:
    status = exchange.status or unanswered.upgrade_status(exchange.error)
    return (
        [f"the WebSocket was answered with {status} when 101 was expected"] if status else unanswered.reason(exchange)
    )


def _is_offer(exchange: Exchange) -> bool:
    return exchange.method == "POST" and ("application/sdp" in exchange.sent_type or exchange.sent.startswith("v=0"))

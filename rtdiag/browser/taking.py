"""From what a page tells to the records of a run: its requests, sockets, peers and events, as if rtdiag itself had asked.

Ids are given anew; one that comes twice counts once, and one that is nowhere is left out. What rtdiag's page asked counts as what
the run has asked. What a user's own page did does not; and how its sockets were closed is told, whoever closed them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from itertools import islice
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from rtdiag.api.keys import kind_of
from rtdiag.browser.account import Account, Answer, Candidates, Peer, Request, Socket
from rtdiag.browser.copying import LONGEST, Copy, last_ms, span, time
from rtdiag.browser.how_far import came, failure, states
from rtdiag.model import Cost, Event, Exchange, Failure, Observation, Pair, PeerTrace
from rtdiag.redact import Mask
from rtdiag.transport.channel import NOT_JSON
from rtdiag.transport.recorder import Recorder

By = Literal["browser", "page"]
OWN_PAGE = "own-page"  # the one case that a page of the user's own tells of

_REQUESTS, _SOCKETS, _PEERS, _EVENTS = 200, 50, 20, 2000  # of one account; of more, those in the middle are left out
_OF_A_PEER = 200  # states, candidates of a side, pairs
_LEARNT = 50  # addresses, and passwords: a mask learns no more than so much, and tokens are to come
_MOST = 10**9
_SILENT_MS = 15_000  # a phase of a user's own page that lasts as long has failed
_STEPS = ("dns", "connect", "tls", "wait", "total")
_TELLING_HEADERS = ("x-request-id", "cf-ray", "openai-organization", "openai-project", "location", "date")
_PASSWORD = re.compile(r"^a=ice-pwd:([^\s*]{22,256})\s*$", re.MULTILINE)  # what watch.js has not masked
_CANDIDATE = re.compile(r"(udp|tcp) (host|srflx|prflx|relay) (\[[0-9A-Fa-f:.]{2,60}\]|[\w.?-]{1,100}):(\d{1,5})")
_IN_A_SUBPROTOCOL = re.compile(r"(?:openai-insecure-api-key|xai-client-secret)\.(.+)")

One = TypeVar("One", Request, Socket, Peer)


def take(
    account: Account, recorder: Recorder, *, by: By = "browser", minted: Mapping[str, str] | None = None
) -> dict[str, Observation]:
    """What it comes to, by case; all of it is in the record, too.

    `minted` names, for a case that was given a token, the exchange that minted it. Of a page of the user's own there is one case,
    OWN_PAGE, with all that it did; facts are `page`, `agent`, `secure`, `blocked`, `console`, `microphones`, `left_out`, and `ids`:
    by which name each of its requests, sockets and peers stands in the record, a socket by that of its upgrade.
    """
    _learn(account, recorder.mask)
    taking = _Taking(account, recorder, by, minted or {})
    return taking.own_page() if by == "page" else taking.cases()


class _Taking:
    """One account on its way into the record; what is there already stands under its id in the account."""

    def __init__(self, account: Account, recorder: Recorder, by: By, minted: Mapping[str, str]) -> None:
        self._account, self._recorder, self._by, self._minted = account, recorder, by, minted
        self._copy = Copy(account, recorder)
        self._last_ms = last_ms(account)
        answers = reversed(account.answers.items())  # of two cases the first is the one that has asked
        self._of_case = {one: case for case, a in answers for one in (*a.requests, *a.sockets, *a.peers)}
        requests, sockets = self._some(account.requests, "r", _REQUESTS), self._some(account.sockets, "s", _SOCKETS)
        sessions: list[Peer | Socket] = [*self._some(account.peers, "p", _PEERS), *sockets]
        self._requests = {one.id: one for one in requests}
        asked: list[Request | Socket] = sorted([*requests, *sockets], key=lambda one: time(one.at_ms))
        self._exchanges = {one.id: self._exchange(one) for one in asked}
        numbers = range(1 + sum(one.by == by for one in recorder.theirs.peers.values()), _MOST)
        self._names = {one.id: f"{_letter(one)}{n}-{by}" for n, one in zip(numbers, sessions, strict=False)}
        self._traces = {one.id: recorder.peer(self._trace(one)) for one in sessions}
        self._events = dict(self._heard())
        self._count_sessions()

    def cases(self) -> dict[str, Observation]:
        """What each case of rtdiag's page saw."""
        answers = self._account.answers.items()
        return {case: self._seen(case, answer) for case, answer in answers if re.fullmatch("[a-z-]{1,40}", case)}

    def own_page(self) -> dict[str, Observation]:
        """All that a user's page did, as one case."""
        account = self._account
        told = {name: msgspec.to_builtins(getattr(account, name)) for name in ("blocked", "console", "microphones")}
        facts = {"page": account.page, "agent": account.agent, "secure": account.secure, **told}
        ids = {one: known.id for those in (self._traces, self._exchanges) for one, known in those.items()}
        copied = {**self._copy.facts(facts), "left_out": self._copy.left_out, "ids": ids}
        events, traces = tuple(self._events.values()), tuple(self._traces.values())
        return {OWN_PAGE: Observation(OWN_PAGE, tuple(self._exchanges.values()), events, traces, copied)}

    def _some(self, told: Sequence[One], letter: str, most: int) -> list[One]:
        """Of rtdiag's page what its cases name, of another everything; each id once."""
        fit: dict[str, One] = {}
        for one in told:
            wanted = self._by == "page" or one.id in self._of_case
            if wanted and re.fullmatch(letter + r"\d{1,15}", one.id) and (isinstance(one, Peer) or _is_url(one.url)):
                fit.setdefault(one.id, one)
        return self._copy.ends(list(fit.values()), most)

    # --- requests and sockets

    def _exchange(self, asked: Request | Socket) -> Exchange:
        case = self._of_case.get(asked.id, "")
        credential = self._credential(asked, case)
        fields = self._of_request(asked) if isinstance(asked, Request) else self._of_socket(asked)
        told = {name.lower(): value for name, value in fields["response_headers"]}
        exchange = Exchange(
            id=self._recorder.next_exchange_id(ours=self._by == "browser"),
            url=self._copy.text(asked.url, "exchanges.url"),
            credential=credential,
            credential_from=self._minted.get(case) if credential == "realtime-token" else None,
            correlation={name: told[name] for name in _TELLING_HEADERS if name in told},
            at_ms=self._copy.at(asked.at_ms),
            by=self._by,
            **fields,
        )
        return self._recorder.exchange(exchange)

    def _of_request(self, request: Request) -> dict[str, Any]:
        copy, status = self._copy, request.status
        status = status if status is not None and 100 <= status <= 599 else None
        answer = request.answer if request.answer is not None or status is None else ""
        return {
            "method": request.method if re.fullmatch("[A-Z]{1,20}", request.method) else "?",
            "request_headers": copy.headers(request.headers, "exchanges.request_headers"),
            "request_body": copy.text(request.body or "", "exchanges.request_body", LONGEST) or None,
            "status": status,
            "response_headers": copy.headers(request.answer_headers, "exchanges.response_headers"),
            "body": None if answer is None else copy.text(answer, "exchanges.body", LONGEST),
            "failure": self._masked(_no_answer(request, status), "exchanges.failure"),
            "timing_ms": _timing_ms(request),
        }

    def _of_socket(self, socket: Socket) -> dict[str, Any]:
        """Its upgrade, of which a page sees no more than the sub-protocols and whether it was open at last."""
        copy, opened = self._copy, socket.opened_ms is not None
        ended = (
            f"not opened ({socket.code}), and no page is told why"
            if socket.code
            else socket.reason or "it was not open yet"
        )
        end_ms = socket.opened_ms if opened else socket.closed_ms
        offered, chosen = ", ".join(socket.offered[:50]), socket.chosen if opened else ""
        name = "Sec-WebSocket-Protocol"
        return {
            "method": "GET",
            "request_headers": copy.headers([(name, offered)] if offered else [], "exchanges.request_headers"),
            "status": 101 if opened else None,
            "response_headers": copy.headers([(name, chosen)] if chosen else [], "exchanges.response_headers"),
            "failure": None if opened else self._masked(Failure("untold", "answer", ended), "exchanges.failure"),
            "timing_ms": {} if end_ms is None else {"total": span(socket.at_ms, end_ms)},
        }

    def _credential(self, asked: Request | Socket, case: str) -> str:
        """Whose it is: in rtdiag's page a token of the run's or a made-up one, in another whatever it looks like."""
        kind = _kind_of_credential(asked)
        if self._by == "page" or kind == "none":
            return kind
        return "made-up" if case.startswith("cors-") else "realtime-token"

    def _masked(self, failed: Failure | None, where: str) -> Failure | None:
        return failed and Failure(failed.kind, failed.phase, self._copy.text(failed.detail, where))

    # --- peers and sockets, and their events

    def _trace(self, one: Peer | Socket) -> PeerTrace:
        return self._of_peer(one) if isinstance(one, Peer) else self._trace_of_socket(one)

    def _of_peer(self, peer: Peer) -> PeerTrace:
        copy, offer = self._copy, self._requests.get(peer.offered_in)
        so_far = came(peer, offer, self._first_event_ms(peer.id))
        sides = {"local": self._candidates(peer.local), "remote": self._candidates(peer.remote)}
        kinds = [f"{side}-{'-'.join(one.split()[:2])}" for side, those in sides.items() for one in those]
        pairs = [pair for pair in peer.pairs[:_OF_A_PEER] if _is_pair(pair)]
        selected = next((_shown(pair) for pair in pairs if pair.selected), None)
        return PeerTrace(
            id=self._names[peer.id],
            states=tuple(states(peer, _OF_A_PEER)),
            candidates={kind: kinds.count(kind) for kind in sorted(set(kinds))},
            selected_pair=selected and copy.text(selected, "peers.selected_pair"),
            phases_ms=so_far.phases_ms,
            failure=self._masked(failure(peer, so_far, self._waited_ms(so_far.since_ms)), "peers.failure"),
            offered_in=self._exchanges[offer.id].id if offer else None,
            at_ms=copy.at(peer.at_ms),
            local_candidates=sides["local"],
            remote_candidates=sides["remote"],
            pairs=tuple(self._pair(pair) for pair in pairs),
            by=self._by,
        )

    def _trace_of_socket(self, socket: Socket) -> PeerTrace:
        """As transport/websocket.py tells it: rtdiag's own close is nothing that the server has said."""
        opened, first = socket.opened_ms, self._first_event_ms(socket.id)
        moments = ((socket.at_ms, "connecting"), (opened, "open"), (socket.closed_ms, "closed"))
        answer = self._account.answers.get(self._of_case.get(socket.id, ""))
        ours = self._by == "browser" and answer is not None and answer.facts.get("ours") is True
        close = (
            None
            if ours or opened is None or socket.code is None
            else {"code": str(socket.code), "reason": socket.reason}
        )
        waited_ms = self._waited_ms(opened or 0.0) if opened is not None and first is None and close is None else None
        silence = f"open, and nothing came within {(waited_ms or 0) / 1000:.1f} s"
        return PeerTrace(
            id=self._names[socket.id],
            states=tuple((span(socket.at_ms, at), "readyState", state) for at, state in moments if at is not None),
            phases_ms={} if opened is None or first is None else {"created": span(opened, first)},
            failure=None if waited_ms is None else Failure("silence", "created", silence),
            close=close and {name: self._copy.text(text, "peers.close", 200) for name, text in close.items()},
            offered_in=self._exchanges[socket.id].id,
            at_ms=self._copy.at(socket.at_ms),
            by=self._by,
        )

    def _waited_ms(self, since_ms: float) -> float | None:
        """How long was waited for what never came: rtdiag's page has waited long enough, another may not have."""
        waited_ms = span(since_ms, self._last_ms)
        return waited_ms if self._by == "browser" or waited_ms >= _SILENT_MS else None

    def _candidates(self, told: Sequence[str]) -> tuple[str, ...]:
        fit = (one for one in told[:_OF_A_PEER] if _CANDIDATE.fullmatch(one))
        return tuple(self._copy.text(one, "peers.candidates") for one in fit)

    def _pair(self, pair: Candidates) -> Pair:
        local, remote = (self._copy.text(one, "peers.pairs") for one in (pair.local, pair.remote))
        sent, answered, asked = (min(count, _MOST) for count in (pair.sent, pair.answered, pair.asked))
        return Pair(local, remote, sent, received=answered + asked, answered=answered, asked=asked)

    def _heard(self) -> Iterator[tuple[int, Event]]:
        """The events in the record, by their places in the account, in the order in which they came."""
        places = [place for place, event in enumerate(self._account.events) if _owner(event.channel) in self._names]
        places.sort(key=lambda place: time(self._account.events[place].at_ms))
        for place in self._copy.ends(places, _EVENTS):
            told = self._account.events[place]
            raw = self._copy.text(told.raw, "events.raw", LONGEST)
            label = self._copy.text(told.channel.partition("/")[2], "events.channel", 100) or "websocket"
            channel = f"{self._names[_owner(told.channel)]}/{label}"
            number = self._recorder.next_event_id()
            event = Event(number, channel, told.direction, self._copy.at(told.at_ms), _type_of(raw), raw)
            yield place, self._recorder.event(event)

    def _first_event_ms(self, one: str) -> float | None:
        events = (e for e in self._account.events if e.direction == "received" and _owner(e.channel) == one)
        return min((time(e.at_ms) for e in events), default=None)

    def _count_sessions(self) -> None:
        """Those that were begun for rtdiag: a call by its answer, a socket by its first event."""
        if self._by == "browser":
            answered = {exchange.id for exchange in self._exchanges.values() if exchange.ok}
            begun = [t for t in self._traces.values() if "created" in t.phases_ms or t.offered_in in answered]
            self._recorder.spend(Cost(sessions_opened=len(begun)))

    # --- cases

    def _seen(self, case: str, answer: Answer) -> Observation:
        facts = {name: value for name, value in answer.facts.items() if name != "events"}
        return Observation(
            case,
            tuple(_each((*answer.requests, *answer.sockets), self._exchanges)),
            tuple(self._events_of(answer)),
            tuple(_each((*answer.peers, *answer.sockets), self._traces)),
            self._copy.facts(facts),
        )

    def _events_of(self, answer: Answer) -> Iterator[Event]:
        """Those of its peers and sockets that came while it was asked."""
        place = answer.facts.get("events")
        begin, end = place if isinstance(place, list) and [type(one) for one in place] == [int, int] else (0, 0)
        whose = {*answer.peers, *answer.sockets}
        for place, event in self._events.items():
            if begin <= place < end and _owner(self._account.events[place].channel) in whose:
                yield event


def _learn(account: Account, mask: Mask) -> None:
    """Hide the addresses of the browser's machine, as its candidates name them, and the passwords of its checks."""
    local = (found[3] for peer in account.peers for one in peer.local if (found := _CANDIDATE.fullmatch(one)))
    hosts = {host.strip("[]"): None for host in local if _is_address(host.strip("[]"))}
    bodies = ((request.body or "")[:LONGEST] for request in account.requests[:_REQUESTS])
    passwords = {word: None for body in bodies for word in _PASSWORD.findall(body)}
    for host in islice(hosts, _LEARNT):
        mask.learn_address(host)
    for word in islice(passwords, _LEARNT):
        mask.learn(word, "ice-pwd")


def _no_answer(request: Request, status: int | None) -> Failure | None:
    """A page is not told why: whether there is no such name, no way, or no leave to read what was answered."""
    if request.wrong is not None:
        late = re.match("(Timeout|Abort)Error|timeout", request.wrong.said)
        return Failure("timeout" if late else "untold", "answer" if status is None else "body", request.wrong.said)
    if request.opaque:
        return Failure("opaque", "answer", "an answer came, which a request without CORS may not read")
    return Failure("untold", "answer", "no answer until the page told of it") if status is None else None


def _timing_ms(request: Request) -> dict[str, float]:
    steps = {name: span(0, request.steps_ms[name]) for name in _STEPS if name in request.steps_ms}
    return {**steps, "total": span(0, request.took_ms)}


def _kind_of_credential(asked: Request | Socket) -> str:
    """The kind of what was sent, which is masked by now but for its prefix."""
    if isinstance(asked, Socket):
        sent = [found[1] for one in asked.offered if (found := _IN_A_SUBPROTOCOL.fullmatch(one))]
    else:
        sent = [value.rpartition(" ")[2] for name, value in asked.headers if name.lower() == "authorization"]
    return kind_of(next(filter(None, sent), ""))


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname is not None and parts.port != -1
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    """Whether it is one that a machine can be known by."""
    try:
        found = ip_address(host)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified)


def _is_pair(pair: Candidates) -> bool:
    return all(_CANDIDATE.fullmatch(one) for one in (pair.local, pair.remote))


def _shown(pair: Candidates) -> str:
    """A pair as `selected_pair` of a PeerTrace has it."""
    (protocol, kind, local), (_, its_kind, remote) = pair.local.split(), pair.remote.split()
    return f"{kind} {protocol} {local} -> {its_kind} {remote}"


def _letter(one: Peer | Socket) -> str:
    """With which the names of peers and of sockets begin in a record."""
    return "p" if isinstance(one, Peer) else "w"


def _owner(channel: str) -> str:
    return channel.partition("/")[0]


def _type_of(raw: str) -> str:
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError):
        return NOT_JSON
    return str(parsed.get("type"))[:100] if isinstance(parsed, dict) else NOT_JSON


def _each(ids: Iterable[str], known: Mapping[str, Any]) -> Iterator[Any]:
    return (known[one] for one in dict.fromkeys(ids) if one in known)

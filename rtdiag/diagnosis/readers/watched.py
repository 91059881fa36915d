"""What a page recorded of itself (browser/account.py): requests, sockets, peers, microphone and console as one row of failures.

Each part is read as its like from elsewhere is: traffic.py, channel_log.py, peer_connection.py, console.py. What is told here
is which of them the others follow from: a peer that got no answer follows from the request that carried its offer, and an error
of the page from what failed before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import DecodeError, ValidationError

from rtdiag.api.expressions import expression
from rtdiag.browser import account as told
from rtdiag.browser import microphones
from rtdiag.browser.account import Account, Peer, Request, Socket
from rtdiag.diagnosis.readers import peer_connection, routes
from rtdiag.diagnosis.readers.channel_log import Channel
from rtdiag.diagnosis.readers.event_lines import kind_of
from rtdiag.diagnosis.readers.forms import Draft, Reading, cut
from rtdiag.diagnosis.readers.har_exchange import Exchange
from rtdiag.diagnosis.readers.pasted import is_long
from rtdiag.diagnosis.readers.peer_connection import PeerConnection
from rtdiag.diagnosis.readers.plain import parsed
from rtdiag.diagnosis.readers.secrets import Learner
from rtdiag.diagnosis.readers.traffic import Traffic
from rtdiag.diagnosis.situation import Situation, Unreadable
from rtdiag.intake import Source
from rtdiag.model import counted
from rtdiag.redact import Mask

if TYPE_CHECKING:
    from rtdiag.diagnosis.readers.har_stream import Entry

FORM = "page's account"
_BEGINS = expression(rf'\s{{0,80}}\{{\s{{0,80}}"{told.FORM}"\s{{0,8}}:')
_APPEND = "input_audio_buffer.append"
_CREATED = ("session.created", "transcription_session.created")
_STATES = {
    "iceConnectionState": "ice",
    "connectionState": "peer",
    "dtlsState": "dtls",
    "iceGatheringState": "gathering",
}
_LONG_MS = 5000  # so long without an answer is no beginning any more
_LONGEST_EVENT = 64 * 1024
_UNSEEN = (
    "what workers, frames and other pages did, what happened before watch.js ran, and why a browser keeps an answer from a page "
    "do not stand in it: the browser's own console names that"
)


def is_account(head: bytes) -> bool:
    """Whether a file that begins so is an account."""
    return bool(_BEGINS.match(head[:400].decode("utf-8", "replace")))


def read_whole(source: Source, learner: Learner) -> Reading:
    """The reading of a file that is an account. Raises Unreadable as `of_json`."""
    if is_long(source):
        raise Unreadable(
            "the page's account is larger than 16 MB: a page that does so much can be watched for a shorter time"
        )
    return of_json(source.rest(), learner)


def is_told(value: Any) -> bool:
    """Whether a JSON value is an account."""
    return isinstance(value, dict) and told.FORM in value


def of_json(raw: bytes | str, learner: Learner) -> Reading:
    """The reading of an account's JSON. Raises Unreadable where it is none that rtdiag can use."""
    try:
        account = told.account_of(raw)
    except ValidationError as error:
        raise Unreadable(
            f"the page's account cannot be used ({error}): record it again with this rtdiag's watch.js"
        ) from None
    except (DecodeError, RecursionError) as error:
        raise Unreadable(f"the page's account breaks off, or is not as it was ({error}): copy it whole") from None
    return read_account(account, learner)


def situations(account: Account, mask: Mask) -> tuple[Situation, ...]:
    """What failed in a page, the root first, masked; `Situation.id` is that of the request, socket or peer which shows it."""
    return tuple(draft.situation(mask) for draft in read_account(account, Learner(mask)).drafts)


def read_account(account: Account, learner: Learner) -> Reading:
    """What failed, the root first and what follows from it behind; where nothing did, what that rests on and what is not seen."""
    page = _Page(account, learner)
    traffic = Traffic(FORM, learner, unseen=_UNSEEN, shows_credentials=True)
    for number, (entry, channel) in enumerate(page.exchanges(), 1):
        traffic.take(Exchange(number, entry, learner), channel)
    reading = traffic.reading()
    drafts = [*reading.drafts, *page.others({draft.id: draft for draft in reading.drafts})]
    drafts.sort(key=lambda draft: (bool(draft.follows), page.at(draft.id)))
    notes = [reading.note] if reading.drafts else []
    if drafts:
        return Reading(FORM, drafts, note="; ".join(filter(None, [*notes, page.worked(drafts)])))
    return Reading(FORM, page.printed(), note=page.all_well(reading.note))


class _Page:
    """An account, looked at from all sides."""

    def __init__(self, account: Account, learner: Learner) -> None:
        self._account, self._learner = account, learner
        self._channels: dict[str, Channel] = {}
        self._created: dict[str, float] = {}
        self._asked_last: dict[str, float] = {}
        self._sent_last: dict[str, float] = {}
        self._times: dict[Any, float] = {one.id: one.at_ms for one in account.requests}
        self._times |= {one.id: one.at_ms for one in account.sockets}
        self._times |= {one.id: one.at_ms for one in account.peers}
        for event in account.events:
            self._feed(event)
        for socket in account.sockets:
            self._close(socket)
        self._until = account.taken_ms or max(self._moments(), default=0)
        self._wait()

    def at(self, name: Any) -> float:
        """When the request, socket, peer or microphone of that id came to be."""
        return self._times.get(name, 0)

    def exchanges(self) -> Iterator[tuple[Entry, Channel]]:
        """Requests and sockets in their order, each with what passed on the socket, or on the channels of the peer it offered."""
        offered = {peer.offered_in: peer.id for peer in self._account.peers if peer.offered_in}
        asked: list[Request | Socket] = sorted(
            [*self._account.requests, *self._account.sockets], key=lambda one: one.at_ms
        )
        for one in asked:
            if self._is_pending(one):
                continue
            if isinstance(one, Socket):
                yield self._upgrade(one), self._channels.get(one.id, Channel())
            else:
                yield self._request(one), self._channels.get(offered.get(one.id, ""), Channel())

    def others(self, failed: dict[Any, Draft]) -> Iterator[Draft]:
        """What failed beside the requests: peers, their channels where no request is known, the microphone, playing, policies."""
        for peer in self._account.peers:
            root = failed.get(peer.offered_in) or self._unusable_answer(peer, failed)
            if not root and not peer.offered_in and peer.id in self._channels:
                yield from self._placed(self._channels[peer.id].failures(), peer.id)
            for draft in self._placed([*self._of_peer(peer)], peer.id):
                draft.follows = root.where if root else ""
                yield draft
        yield from self._microphone()

    def _unusable_answer(self, peer: Peer, failed: dict[Any, Draft]) -> Draft | None:
        """The refused request whose answer a peer was given, where nothing tells which request had its offer."""
        if peer.offered_in or not peer.wrong or peer.wrong.step != "setRemoteDescription":
            return None
        refused = [one for one in self._account.requests if one.id in failed and one.status and one.at_ms >= peer.at_ms]
        return failed[refused[-1].id] if refused else None

    def printed(self) -> list[Draft]:
        """What the console says, where nothing else that failed is known."""
        from rtdiag.diagnosis.readers.console import read_console

        if refused := self._refused_sends():
            return refused
        lines = [line.text for line in self._account.console if line.level in ("error", "uncaught")]
        drafts = read_console("\n".join(lines))
        for draft in drafts:
            draft.where = "the page's console"
            if not self._account.secure:
                draft.circumstances.append("the page is no secure context: it has no navigator.mediaDevices")
        return drafts

    def _refused_sends(self) -> list[Draft]:
        """What was refused to be sent on a channel that was not open yet, and nothing sent on it after that."""
        found: dict[str, Draft] = {}
        for line in self._account.console:
            channel, _, said = line.text.removeprefix("send on ").partition(": ")
            last = max(self._sent_last.get(channel, -1), self._opened_before(channel, line.at_ms))
            if line.level == "caught" and said and last < line.at_ms and channel not in found:
                seen = ["an event was sent before its channel was open"]
                where = f"{channel} at {self._clock(line.at_ms)}"
                name = channel.partition("/")[0]
                found[channel] = Draft(
                    f"send() failed: {said}", surface="client", where=where, id=name, circumstances=seen
                )
        return list(found.values())

    def _opened_before(self, channel: str, at_ms: float) -> float:
        """`at_ms` where that channel or socket was open before, and so is closed, else -1."""
        of, _, label = channel.partition("/")
        opened = [one.opened_ms for one in self._account.sockets if one.id == of and one.opened_ms is not None]
        for peer in self._account.peers:
            states = peer.states if peer.id == of else []
            opened += [at for at, of_, state in states if (of_, state) == (f"channel {label}", "open")]
        return at_ms if any(at <= at_ms for at in opened) else -1

    def worked(self, drafts: list[Draft]) -> str:
        """That a session came about after the last failure, if one did."""
        failed = {draft.id for draft in drafts}
        last = max(map(self.at, failed))
        owners = {peer.id: peer.offered_in for peer in self._account.peers}
        after = [at for of, at in self._created.items() if at > last and failed.isdisjoint((of, owners.get(of, of)))]
        return f"a session came about after that, at {self._clock(after[0])}" if after else ""

    def all_well(self, note: str) -> str:
        """What an all-clear rests on."""
        note = "; ".join([note, *self._others_failed()])
        if not self._created:
            return "; ".join([note, "no session.created came in it", *self._of_peers()])
        which = ", ".join(f"{name} at {self._clock(at)}" for name, at in list(self._created.items())[:3])
        return f"{note}; session.created came on {which}"

    def _others_failed(self) -> list[str]:
        """Requests that are none to the API and got an error or no answer, of which nothing is known to follow."""
        failed = [one for one in self._account.requests if one.wrong or (one.status or 0) >= 400]
        names = [f"{one.method} {one.url.partition('?')[0]} ({one.status or 'no answer'})" for one in failed[:3]]
        return [f"{counted(len(failed), 'other request')} failed: {', '.join(names)}"] if names else []

    def _of_peers(self) -> Iterator[str]:
        """What a page itself did, so that no session.created came."""
        for peer in self._account.peers[:3]:
            ends = _closed_ms(peer)
            stood = any(state in ("connected", "completed") for _, of, state in peer.states if of in _STATES)
            if ends is not None and not stood:
                yield f"the page closed peer connection {peer.id} {(ends - peer.at_ms) / 1000:.3g} s after it was made"
            elif stood and not any(of.startswith("channel ") for _, of, _ in peer.states):
                yield f"peer connection {peer.id} has no data channel, on which it would come"

    def _feed(self, event: told.Event) -> None:
        owner = event.channel.partition("/")[0]
        if event.direction == "sent":
            self._sent_last[event.channel] = event.at_ms
        value = parsed(event.raw)
        if not kind_of(value):
            return
        self._learner.value(value)
        sent = event.direction == "sent"
        if sent and (value["type"] != _APPEND or owner not in self._asked_last):
            self._asked_last[owner] = event.at_ms
        if not sent and value["type"] in _CREATED:
            self._created.setdefault(owner, event.at_ms)
        self._channels.setdefault(owner, Channel()).feed(value, cut(event.raw, _LONGEST_EVENT), sent, "")

    def _close(self, socket: Socket) -> None:
        if socket.code is not None and socket.opened_ms is not None:
            draft = Draft(f"{socket.code} {socket.reason}".strip(), status=socket.code)
            self._channels.setdefault(socket.id, Channel()).close(draft, "")

    def _wait(self) -> None:
        """Let what was asked shortly before its channel's end, or before this was taken, have its answer still to come."""
        ends: dict[str, float | None] = {one.id: one.closed_ms for one in self._account.sockets}
        ends |= {one.id: _closed_ms(one) for one in self._account.peers}
        for name, at in self._asked_last.items():
            end = ends.get(name)
            self._channels[name].may_still_answer = (self._until if end is None else end) - at < _LONG_MS

    def _request(self, one: Request) -> Entry:
        return {
            **self._asked(one.id, one.at_ms, one.url, one.headers),
            "_resourceType": "fetch",
            "request.method": one.method,
            "request.postData.text": one.body,
            "request.postData.mimeType": next((v for n, v in one.headers if n.lower() == "content-type"), ""),
            "response.status": one.status,
            "response._error": "" if one.status else self._why(one),
            "response.headers": one.answer_headers,
            "response.content.text": one.answer,
        }

    def _upgrade(self, one: Socket) -> Entry:
        opened = one.opened_ms is not None
        said = (
            "it did not open, and no page is told why"
            if one.code
            else one.reason or "it had not opened when this was taken"
        )
        return {
            **self._asked(one.id, one.at_ms, one.url, [("sec-websocket-protocol", ", ".join(one.offered))]),
            "_resourceType": "websocket",
            "request.method": "GET",
            "response.status": 101 if opened else 0,
            "response._error": "" if opened else self._forbidden(one.url) or said,
        }

    def _asked(self, name: str, at_ms: float, url: str, headers: list[tuple[str, str]]) -> Entry:
        return {
            "_id": name,
            "startedDateTime": self._moment(at_ms).isoformat(),
            "request.url": url,
            "request.headers": [*headers, ("origin", _origin(self._account.page))],
        }

    def _why(self, one: Request) -> str:
        """Why there is no answer, as far as the page can know it; the browser's own words where nothing else is known."""
        step, said = (one.wrong.step, one.wrong.said) if one.wrong else ("", "")
        if one.opaque:
            return "an opaque answer, which the page itself asked for"
        if step == "abort" or said.startswith(("AbortError", "abort")):
            return f"cancelled by the page: {said}"
        if said == "timeout" or said.startswith("TimeoutError"):
            return f"no answer within the {one.took_ms / 1000:.3g} s that the page itself gives it: {said}"
        return self._forbidden(one.url) or said or "no answer had come when this was taken"

    def _forbidden(self, url: str) -> str:
        for one in self._account.blocked:
            if one.what and (url.startswith(one.what) or one.what == _origin(url)):
                return f"Content-Security-Policy, {one.directive}: {cut(one.by, 1000)}"
        scheme = urlsplit(self._account.page).scheme
        mixed = scheme == "https" and url.startswith(("http:", "ws:")) and not routes.is_local(url)
        return "Mixed Content: a page over https asked for http or ws" if mixed else ""

    def _is_pending(self, one: Request | Socket) -> bool:
        """Whether its answer may still come."""
        if isinstance(one, Socket):
            waits = one.opened_ms is None and one.closed_ms is None
        else:
            waits = one.status is None and not one.wrong and not one.opaque
        return waits and self._until - one.at_ms < _LONG_MS

    def _of_peer(self, peer: Peer) -> Iterator[Draft]:
        found = PeerConnection(where=f"peer connection {peer.id} at {self._clock(peer.at_ms)}", answered=False)
        for _, of, state in peer.states:
            if name := _STATES.get(of):
                found.enter(name, state)
        signalling = [state for _, of, state in peer.states if of == "signalingState"]
        found.offered = "have-local-offer" in signalling
        found.answered = found.offered and "stable" in signalling
        found.local = [_kind(one) for one in peer.local]
        found.remote = [_kind(one) for one in peer.remote] or None
        if peer.wrong:
            found.failed.append(f"{peer.wrong.step} failed: {peer.wrong.said}")
        for number, pair in enumerate(peer.pairs):
            sides = {"type": "candidate-pair", "requestsSent": pair.sent, "responsesReceived": pair.answered}
            found.objects[f"pair {number}"] = sides
        channels = {of: state for _, of, state in peer.states if of.startswith("channel ")}
        for of, state in channels.items():
            found.objects[of] = {"type": "data-channel", "label": of.removeprefix("channel "), "state": state}
        found.unchanged_s = max(0.0, self._until - max((at for at, *_ in peer.states), default=self._until)) / 1000
        yield from peer_connection.failures(found)
        if peer.sound and peer.sound.refused:
            said = f"play() failed: {peer.sound.refused}"
            yield Draft(said, surface="client", where=found.where, observed=["the browser refuses to play"])

    def _microphone(self) -> Iterator[Draft]:
        """A microphone that was refused, and none after it that was not."""
        last = self._account.microphones[-1] if self._account.microphones else None
        if last and last.refused:
            self._times["microphone"] = last.at_ms
            where = f"getUserMedia at {self._clock(last.at_ms)}"
            shown = microphones.SHOWN.get(last.refused.partition(":")[0])
            said = f"getUserMedia failed: {last.refused}"
            yield Draft(said, surface="client", where=where, id="microphone", observed=[shown] if shown else [])

    def _placed(self, drafts: list[Draft], name: str) -> list[Draft]:
        for draft in drafts:
            draft.id, draft.where = name, draft.where or f"{name} at {self._clock(self.at(name))}"
        return drafts

    def _moments(self) -> Iterator[float]:
        account = self._account
        yield from (one.at_ms + one.took_ms for one in account.requests)
        yield from (one.at_ms for one in account.events)
        yield from (at for peer in account.peers for at, *_ in peer.states)

    def _moment(self, at_ms: float) -> datetime:
        return datetime.fromtimestamp((self._account.epoch_ms + at_ms) / 1000, UTC)

    def _clock(self, at_ms: float) -> str:
        return f"{self._moment(at_ms):%H:%M:%S}"


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _closed_ms(peer: Peer) -> float | None:
    """When the page closed it."""
    return next((at for at, of, state in peer.states if (of, state) == ("signalingState", "closed")), None)


def _kind(candidate: str) -> str:
    """`host udp` of `udp host 192.0.2.1:3478`."""
    protocol, _, rest = candidate.partition(" ")
    return f"{rest.partition(' ')[0]} {protocol}"

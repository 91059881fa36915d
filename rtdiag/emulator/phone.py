"""Calls that come in by telephone: a test says that one rings, for there is no SIP here, and nobody speaks in it.

Names and fields: openai 3.54.0 resources/realtime/calls.py and types/webhooks/realtime_call_incoming_webhook_event.py. No such call
was ever recorded. Assumed: a call is accepted or rejected once, and unknown when it is over; one that is referred ends here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

from rtdiag.emulator.session.server_events import new_id
from rtdiag.emulator.session.subscribers import Line

if TYPE_CHECKING:
    from rtdiag.emulator.session.state import Session


class PhoneCall:
    """One call. `line` is there from the moment it is accepted.

    `told` is what the caller is told at the end: the SIP status of a rejection, where a referral leads. `webhook` is the event that
    the API would post, unsigned; here nobody posts it.
    """

    line: Line

    def __init__(self, call_id: str, sip_headers: Iterable[tuple[str, str]], unix_s: int) -> None:
        self.call_id = call_id
        self.state: Literal["ringing", "accepted", "rejected", "referred", "ended"] = "ringing"
        self.told: int | str | None = None
        data = {"call_id": call_id, "sip_headers": [{"name": name, "value": value} for name, value in sip_headers]}
        head = {"id": new_id("evt"), "object": "event", "created_at": unix_s, "type": "realtime.call.incoming"}
        self.webhook: dict[str, Any] = {**head, "data": data}

    def accept(self, session: Session, ended: Callable[[], object]) -> None:
        """The session is open; who joins it as a sideband is not told that it was created, as beside any call."""
        self.line, self.state = Line(session, ended), "accepted"
        self.line.begin()

    async def close(self) -> None:
        """Somebody has hung up, or the session is over."""
        if self.state == "accepted":
            self.state = "ended"
        self.line.close()

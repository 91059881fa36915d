"""The responses of one session: which begin, how they come in time, and what ends them before.

One at a time, but for those outside the conversation (openai 3.54.0 types/realtime/response_create_event.py). Speech of the user
ends the one that is made, and cuts what of it is still heard, unless `interrupt_response` is false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rtdiag.api.endpoints import Dialect
from rtdiag.api.models import find
from rtdiag.emulator.bodies import Refused
from rtdiag.emulator.session.conversation import Conversation
from rtdiag.emulator.session.playback import Playback
from rtdiag.emulator.session.replies import Over, Step, Terms
from rtdiag.emulator.session.response import LIMITS_S, Response, planned, rate_limits, shown
from rtdiag.emulator.session.schedule import Schedule
from rtdiag.emulator.session.server_events import new_id
from rtdiag.emulator.session.settings import Rules, check_options
from rtdiag.emulator.session.shapes import all_shapes, check
from rtdiag.emulator.timeline import Behaviour

Json = dict[str, Any]


class Responding:
    """What makes the responses. `done` is told how many milliseconds of sound each one had; `server_error` is why one fails."""

    def __init__(
        self,
        dialect: Dialect,
        over: Over,
        server_error: Callable[[], Refused],
        conversation: Conversation,
        rules: Rules,
        schedule: Schedule,
        done: Callable[[float], None],
    ) -> None:
        self.playback = Playback(schedule, rules.now, at_once=rules.pace == 0)
        self._dialect, self._over, self._conversation, self._server_error = dialect, over, conversation, server_error
        self._rules, self._schedule, self._done = rules, schedule, done
        self._made: dict[str, Response] = {}
        self._active: Response | None = None

    @property
    def busy(self) -> bool:
        """Whether a response of the conversation is being made."""
        return self._active is not None

    def create(self, asked: Json, config: Json) -> Iterator[Json]:
        """`response.create`. Raises Refused for a second one while the first is made."""
        given = asked.get("response")
        wish: Json = {} if given is None else given
        check(all_shapes()[f"{self._dialect}-response"], wish, "response", {}, Behaviour())
        check_options(wish, config, "response")
        return self.begin(wish, config)

    def begin(self, wish: Json, config: Json) -> Iterator[Json]:
        """A response by these wishes, over those of the session. Raises Refused for a second one."""
        apart, last, made = wish.get("conversation") == "none", self._conversation.last, self._rules.switches.responses
        self._refuse_second(apart=apart and made != "collide")
        if made == "not-after-results" and last and last["type"] == "function_call_output":
            return iter(())
        model = find(str(config.get("model")))
        reasons = model is not None and model.reasons
        terms = self._terms(wish, config, apart=apart)
        head = shown(self._dialect, terms.response_id, None if apart else self._conversation.id, wish, config)
        outputs = planned(terms, wish, config, last, reasons=reasons)
        response = self._made[terms.response_id] = Response(terms, head, outputs, reasons=reasons)
        self._active = self._active if apart else response
        return self._told(response, response.failing(self._server_error()) if made == "failed" else response.events())

    def _refuse_second(self, *, apart: bool) -> None:
        if apart or not (self._active or self._rules.switches.responses == "collide"):
            return
        coded, active = self._rules.behaviour.errors_coded, self._active.id if self._active else new_id("resp")
        raise Refused("active-response" if coded else "active-response-early", response_id=active)

    def _terms(self, wish: Json, config: Json, *, apart: bool) -> Terms:
        told = None if apart else self._conversation
        return Terms(
            self._dialect,
            self._over,
            told,
            self.playback,
            self._sound(wish, config),
            heard=told is not None and told.has_user_audio,
            whole_arguments=self._rules.switches.whole_arguments,
            server=self._rules.server,
        )

    def cancel(self, asked: Json) -> Iterator[Json]:
        """`response.cancel`, of the one in the conversation unless another is named. What is heard of it goes on."""
        wanted = asked.get("response_id")
        response = self._active if wanted is None else self._made.get(str(wanted))
        if response is None:
            raise Refused("no-active-response")
        yield from self._cut(response, "client_cancelled")

    def interrupted(self) -> Iterator[Json]:
        """The user speaks: what is still heard stops, what is still made ends, and its item is cut to what was heard.

        The order of these three is assumed.
        """
        heard = (self.playback.item_id, self.playback.played_ms) if self.playback.playing else None
        yield from self.playback.clear()
        if self._active:
            yield from self._cut(self._active, "turn_detected")
        if heard:
            yield from self._conversation.cut(*heard)

    def _sound(self, wish: Json, config: Json) -> str:
        if self._dialect == "beta":
            return str({**config, **wish}["output_audio_format"])
        asked = wish.get("audio", {}).get("output", {}).get("format") or config["audio"]["output"]["format"]
        return str(asked["type"])

    def _cut(self, response: Response, reason: str) -> Iterator[Json]:
        yield from self._told(response, response.cut(reason))

    def _told(self, response: Response, steps: Iterator[Step]) -> Iterator[Json]:
        """Its next events; at a pause the rest is put off, and forgotten when it has ended otherwise meanwhile."""
        for step in steps:
            if isinstance(step, float):
                self._schedule.after(step * self._rules.pace, lambda: self._rest(response, steps))
                return
            if step["type"] == "response.done":
                self._end(response)
            yield step

    def _rest(self, response: Response, steps: Iterator[Step]) -> Iterator[Json]:
        return iter(()) if response.over else self._told(response, steps)

    def _end(self, response: Response) -> None:
        self._made.pop(response.id, None)
        if self._active is response:
            self._active = None
        self._schedule.after(LIMITS_S * self._rules.pace, lambda: [rate_limits()])
        self._done(sum(output.sound_ms or 0 for output in response.outputs))

"""What a run tells while it lasts: to the screen what it takes and what is being asked, to the journals what is done, and to
signals which task they end."""

from __future__ import annotations

import asyncio

from rtdiag.cli.outputs import Outputs
from rtdiag.cli.signals import Stop
from rtdiag.cli.stderr import say
from rtdiag.cli.terminal import Screen
from rtdiag.model import Report
from rtdiag.whole_run import Planned

_SPOKEN = "browser.sound"


class Progress(Screen):
    """The observer of `rtdiag run`."""

    def __init__(self, outputs: Outputs, stop: Stop) -> None:
        super().__init__(outputs)
        self._outputs, self._stop = outputs, stop

    def planned(self, planned: Planned) -> None:
        """From here on there is a report that nothing may cost. Raises ConfigError where it could not be written."""
        self._outputs.check()
        self._begins(planned)
        self._outputs.open()

    def _begins(self, planned: Planned) -> None:
        self._stop.begin()
        self.announce(planned.plan, planned.cost, planned.limit_s, _of_audio(planned), strange=planned.strange)
        if _SPOKEN in planned.plan.ids:
            price = "which costs nothing on the emulator" if planned.emulator else "which costs a short answer"
            say(f"In the browser the model says one word, {price}.")
        if planned.settings.opening and not planned.opening:
            say("--browser opens a page for the check browser, which is not to run.")
        for line in planned.emulator.warnings if planned.emulator else ():
            say(f"rtdiag: {line}")

    def to_do(self, line: str) -> None:
        """In a line of its own, which stays."""
        self.clear()
        say(line)

    def began(self, so_far: Report) -> None:
        """The task that runs is the one that signals end."""
        self._stop.during(asyncio.current_task())
        super().began(so_far)


class InTurn(Progress):
    """The observer of several runs, one after the other. No journal is kept: it would hold several."""

    def planned(self, planned: Planned) -> None:
        """Say which target is asked now."""
        say(f"Target {planned.settings.options.target}:")
        self._begins(planned)


def _of_audio(planned: Planned) -> str:
    """A sentence about the run's audio, "" where it sends none."""
    seconds, options = planned.cost.audio_seconds, planned.settings.options
    if not seconds:
        unused = "--audio is for vad-effect, which is not to run: name it, and add --allow audio"
        return unused if options.audio else ""
    if planned.emulator:
        return f"It sends about {seconds:g} s of audio, which costs nothing on the emulator."
    from rtdiag.api import models
    from rtdiag.speech import price

    return price.sentence(seconds, options.transcription_model or models.default("transcription"))

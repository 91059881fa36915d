"""livekit-plugins-openai (PyPI): an AgentSession over its RealtimeModel, configured by `base_url`, `api_key` and SSL_CERT_FILE.

There is no room: what the session hears and says goes through an AudioInput and an AudioOutput, as in LiveKit's own console.
"""

import asyncio

from livekit import rtc
from livekit.agents import Agent, AgentSession, function_tool
from livekit.agents.voice import io
from livekit.plugins.openai.realtime import RealtimeModel
from turn import BASE_URL, KEY, MODEL, RATE_HZ, SUNNY, ms, pieces, saw


class Microphone(io.AudioInput):
    """Speech in real time when it is told to speak, silence before and after."""

    def __init__(self):
        super().__init__(label="speech")
        self._said = iter(())

    def speak(self):
        self._said = pieces()

    async def __anext__(self):
        await asyncio.sleep(0.1)
        pcm = next(self._said, bytes(RATE_HZ // 5))
        return rtc.AudioFrame(pcm, RATE_HZ, 1, len(pcm) // 2)


class Loudspeaker(io.AudioOutput):
    """Counts what it is given; it never has played to the end, so that a reply can be interrupted."""

    def __init__(self, begun):
        super().__init__(label="ears", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=RATE_HZ)
        self.heard, self._begun = 0, begun
        self.interrupted = asyncio.get_running_loop().create_future()

    async def capture_frame(self, frame):
        await super().capture_frame(frame)
        if not self.heard:
            self._begun()
        self.heard += len(bytes(frame.data))

    def flush(self):
        super().flush()

    def clear_buffer(self):
        if not self.interrupted.done():
            self.on_playback_finished(playback_position=ms(self.heard) / 1000, interrupted=True)
            self.interrupted.set_result(None)

    def fail(self, event):
        if not self.interrupted.done():
            self.interrupted.set_exception(RuntimeError(str(event.error)))


class Weather(Agent):
    def __init__(self):
        super().__init__(instructions="Tell the weather.")

    @function_tool
    async def get_weather(self, city: str) -> str:
        """The weather in a city."""
        saw(called=["get_weather", {"city": city}])
        return SUNNY


async def main():
    model = RealtimeModel(model=MODEL, base_url=BASE_URL, api_key=KEY)
    session, microphone = AgentSession(llm=model), Microphone()
    loudspeaker = Loudspeaker(microphone.speak)
    session.input.audio, session.output.audio = microphone, loudspeaker
    session.on("error", loudspeaker.fail)
    await session.start(Weather(), record=False)
    saw(connected=MODEL)
    microphone.speak()
    await loudspeaker.interrupted
    saw(heard_ms=ms(loudspeaker.heard), interrupted="AudioOutput.clear_buffer")
    await session.aclose()
    await model.aclose()


asyncio.run(main())

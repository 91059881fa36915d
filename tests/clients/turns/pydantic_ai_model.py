"""pydantic-ai (PyPI): `Agent.realtime` with OpenAIRealtimeModel, configured by OPENAI_BASE_URL, OPENAI_API_KEY, SSL_CERT_FILE."""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.messages import RealtimeInputSpeechStartEvent, RealtimeSessionErrorEvent
from pydantic_ai.realtime import RealtimeTurnCompleteEvent
from pydantic_ai.realtime.openai import OpenAIRealtimeModel
from turn import MODEL, SUNNY, ms, pieces, saw

agent = Agent(instructions="Tell the weather.")


@agent.tool_plain
def get_weather(city: str) -> str:
    """The weather in a city."""
    saw(called=["get_weather", {"city": city}])
    return SUNNY


async def main():
    heard, interrupted = 0, False
    async with agent.realtime(OpenAIRealtimeModel(MODEL)).session() as session:
        saw(connected=MODEL)

        async def speak():
            for piece in pieces():
                await session.send_audio(piece)

        async def play():
            nonlocal heard
            async for chunk in session.stream_audio():
                first, heard = not heard, heard + len(chunk)
                if first:
                    await speak()

        playing = asyncio.create_task(play())
        await speak()
        async for event in session:
            if isinstance(event, RealtimeSessionErrorEvent):
                raise RuntimeError(str(event))
            if isinstance(event, RealtimeInputSpeechStartEvent) and heard:
                interrupted = True
                await session.interrupt(played_ms=ms(heard))
            if isinstance(event, RealtimeTurnCompleteEvent) and interrupted:
                saw(heard_ms=ms(heard), interrupted=session.new_messages()[-1].state)
                break
        playing.cancel()


asyncio.run(main())

"""openai-agents (PyPI): `agents.realtime`, configured by `url` and `api_key` of the model's config, and SSL_CERT_FILE."""

import asyncio

from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner
from turn import BASE_URL, KEY, MODEL, SUNNY, ms, pieces, saw


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    saw(called=["get_weather", {"city": city}])
    return SUNNY


async def speak(session):
    for piece in pieces():
        await session.send_audio(piece)


async def main():
    runner = RealtimeRunner(
        RealtimeAgent(name="Weather", instructions="Tell the weather.", tools=[get_weather]),
        config={"model_settings": {"model_name": MODEL, "turn_detection": {"type": "server_vad"}}},
    )
    url = f"{BASE_URL.replace('http', 'ws', 1)}/realtime?model={MODEL}"
    heard, interrupted = 0, False
    async with await runner.run(model_config={"url": url, "api_key": KEY}) as session:
        saw(connected=MODEL)
        await speak(session)
        async for event in session:
            match event.type:
                case "audio":
                    if not heard:
                        await speak(session)
                    heard += len(event.audio.data)
                case "audio_interrupted":
                    interrupted = True
                case "raw_model_event" if interrupted and event.data.type == "raw_server_event":
                    response = event.data.data.get("response", {})
                    if response.get("status") == "cancelled":
                        saw(heard_ms=ms(heard), interrupted=response["status_details"]["reason"])
                        return
                case "error":
                    raise RuntimeError(str(event.error))


asyncio.run(main())

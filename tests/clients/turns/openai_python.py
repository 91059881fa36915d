"""openai (PyPI): `AsyncOpenAI().realtime.connect`, configured by OPENAI_BASE_URL, OPENAI_API_KEY and SSL_CERT_FILE."""

import asyncio
import base64

from openai import AsyncOpenAI
from turn import MODEL, SUNNY, WEATHER, ms, pieces, saw


async def speak(connection):
    for piece in pieces():
        await connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())


async def main():
    async with AsyncOpenAI().realtime.connect(model=MODEL) as connection:
        heard, interrupting = 0, False
        async for event in connection:
            match event.type:
                case "session.created":
                    await connection.session.update(session={"type": "realtime", "tools": [WEATHER]})
                case "session.updated":
                    saw(connected=event.session.model)
                    await speak(connection)
                case "response.function_call_arguments.done":
                    saw(called=[event.name, event.arguments])
                    output = {"type": "function_call_output", "call_id": event.call_id, "output": SUNNY}
                    await connection.conversation.item.create(item=output)
                case "response.output_audio.delta":
                    heard += len(base64.b64decode(event.delta))
                    if not interrupting:
                        interrupting = True
                        await speak(connection)
                case "response.done" if event.response.status == "cancelled":
                    saw(heard_ms=ms(heard), interrupted=event.response.status_details.reason)
                    return
                case "response.done" if event.response.output and event.response.output[0].type == "function_call":
                    await connection.response.create()
                case "error":
                    raise RuntimeError(event.error.message)


asyncio.run(main())

"""pipecat-ai (PyPI): OpenAIRealtimeLLMService in a pipeline, configured by `base_url`, `api_key` and SSL_CERT_FILE."""

import asyncio

from pipecat.adapters.schemas.function_schema import FunctionSchema
from pipecat.adapters.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    EndFrame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMRunFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import WorkerRunner
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from turn import BASE_URL, KEY, MODEL, RATE_HZ, SUNNY, WEATHER, ms, pieces, saw


class Ears(FrameProcessor):
    """What stands behind the service: counts the sound of the reply to the function's result, and is told when it has to stop."""

    def __init__(self):
        super().__init__()
        self.heard = 0
        self.greeted, self.called, self.begun, self.interrupted = (asyncio.Event() for _ in range(4))

    async def get_weather(self, params):
        saw(called=[params.function_name, dict(params.arguments)])
        self.called.set()
        await params.result_callback(SUNNY)

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        match frame:
            case TTSStoppedFrame():
                self.greeted.set()
            case TTSAudioRawFrame() if self.called.is_set():
                self.heard += len(frame.audio)
                self.begun.set()
            case InterruptionFrame() if self.begun.is_set():
                self.interrupted.set()
        await self.push_frame(frame, direction)


async def speak(worker):
    for piece in pieces():
        await worker.queue_frame(InputAudioRawFrame(piece, RATE_HZ, 1))


async def main():
    schema = WEATHER["parameters"]
    weather = FunctionSchema("get_weather", WEATHER["description"], schema["properties"], schema["required"])
    context = LLMContext([], ToolsSchema([weather]))
    service = OpenAIRealtimeLLMService(
        api_key=KEY,
        base_url=f"{BASE_URL.replace('http', 'ws', 1)}/realtime",
        settings=OpenAIRealtimeLLMService.Settings(model=MODEL, system_instruction="Tell the weather."),
    )
    user, assistant = LLMContextAggregatorPair(context)
    ears = Ears()
    service.register_function("get_weather", ears.get_weather)
    worker = PipelineWorker(
        Pipeline([user, service, ears, assistant]),
        params=PipelineParams(audio_in_sample_rate=RATE_HZ, audio_out_sample_rate=RATE_HZ),
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)

    async def talk():
        await worker.queue_frame(
            LLMRunFrame()
        )  # it speaks first, as in the package's examples: only then its functions are known
        await ears.greeted.wait()
        saw(connected=MODEL)
        await speak(worker)
        await ears.begun.wait()
        await speak(worker)
        await ears.interrupted.wait()
        saw(heard_ms=ms(ears.heard), interrupted="InterruptionFrame")
        await worker.queue_frame(EndFrame())

    await asyncio.gather(runner.run(), talk())


asyncio.run(main())

"""The realtime service of speech-to-speech with stubs in place of its models: `silent_pipelines.py PORT SLOTS`.

All is the package's own but the handlers of a pipeline: one that hears and says nothing stands for voice activity, recognition,
language and voice, which are gigabytes. It runs where that package is installed.
"""

import sys
from queue import Queue
from threading import Event, Thread

from speech_to_speech.api.openai_realtime.pipeline_unit import PipelineUnit
from speech_to_speech.api.openai_realtime.server import RealtimeServer
from speech_to_speech.api.openai_realtime.service import RealtimeService
from speech_to_speech.baseHandler import BaseHandler
from speech_to_speech.pipeline.cancel_scope import CancelScope

STOP = Event()


class Silent(BaseHandler):
    def process(self, input):
        yield from ()


def slot(index):
    heard, said, prompts, listen = Queue(), Queue(), Queue(), Event()
    handler = Silent(STOP, heard, said)
    Thread(target=handler.run, daemon=True).start()
    return PipelineUnit(
        index=index,
        service=RealtimeService(text_prompt_queue=prompts, should_listen=listen, chat_size=10),
        cancel_scope=CancelScope(),
        should_listen=listen,
        response_playing=Event(),
        input_queue=heard,
        output_queue=said,
        text_output_queue=Queue(),
        text_prompt_queue=prompts,
        handlers=[handler],
    )


if __name__ == "__main__":
    port, slots = map(int, sys.argv[1:])
    RealtimeServer(STOP, [slot(index) for index in range(slots)], "127.0.0.1", port).run()

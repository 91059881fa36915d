"""What the audio of a run costs, said in one sentence.

A conversation's audio is billed when a response is made, and none is made here; transcripts are billed by themselves, whole turns
by the minute: developers.openai.com/api/docs/guides/realtime-costs and …/docs/models/<id> (read in the autumn of 2026).
"""

from __future__ import annotations

# Dollars per minute of audio, from the page of each model; models that count tokens are not here.
PER_MINUTE_USD = {"gpt-transcribe": 0.0045, "gpt-live-transcribe": 0.017, "gpt-realtime-whisper": 0.017}


def sentence(seconds: float, model: str) -> str:
    """What transcribing that much audio by that model takes."""
    price = PER_MINUTE_USD.get(model)
    if price is None:
        return f"It sends about {seconds:g} s of audio: transcribing it is billed at your account's price for {model}."
    usd = seconds / 60 * price
    return (
        f"It sends about {seconds:g} s of audio and asks for no answers: transcribing it with {model} costs "
        f"about {usd:.3f} USD ({price} a minute, as listed in the autumn of 2026)."
    )

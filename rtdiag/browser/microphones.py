"""What a browser shows by refusing a microphone, in the words that checks observe and signs of the catalogue look at."""

from __future__ import annotations

REFUSED = "the browser refuses the microphone"
NONE = "the browser finds no microphone"
IN_USE = "the microphone cannot be opened"

# By the names of getUserMedia's errors (W3C mediacapture-streams).
SHOWN = {
    "NotAllowedError": REFUSED,
    "SecurityError": REFUSED,
    "NotFoundError": NONE,
    "NotReadableError": IN_USE,
    "AbortError": IN_USE,
}

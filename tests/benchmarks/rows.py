"""The table: each row by its name, what it measures and how, its anchors, and what is aimed at."""

from __future__ import annotations

from tests.benchmarks import serving, texts, waits, way
from tests.benchmarks.commands import A_BODY, alone, starts
from tests.benchmarks.measuring import Row

_START = ("≤ 1 × import click + 60",)
_CHAIN = ("≤ 1.3 × chain",)
_READ = ("≤ 1500",)

ROWS = (
    # A command that asks nobody, from its start to its end.
    Row("start-version", "`--version`", "ms", starts("--version"), ("≤ 1 × import click + 10", "≤ 4 × bare python")),
    Row("start-help", "`--help`", "ms", starts("--help"), ("≤ 1 × import click + 10", "≤ 4 × bare python")),
    Row("start-list", "`list`", "ms", starts("list"), _START),
    Row("start-faults", "`emulator --list-faults`", "ms", starts("emulator", "--list-faults"), _START),
    Row("start-explain-code", "`explain CODE`", "ms", starts("explain", "invalid_api_key"), _START),
    Row(
        "start-explain-body", "`explain` of a small body", "ms", starts("explain", "-", given=A_BODY),
        ("≤ 1 × import click + 120",),
    ),
    # A run, from its start to its end.
    Row(
        "first-401", "first 401, loopback (`run --only key`)", "ms", way.first_401(),
        ("≤ 0.4 × openai", "≤ 1 × click and AsyncClient + 150"),
    ),
    Row("first-401-100", "first 401, round trip 100 ms", "ms", way.first_401(100), ("≤ 0.4 × openai",)),
    Row("run-embedded", "whole `run --emulator`", "ms", way.embedded_run(), ("≤ 1000",)),
    Row("run-0", "whole run, round trip 0", "ms", way.whole_run(0), ("≤ 1000",)),
    Row("run-40", "whole run, round trip 40 ms", "ms", way.whole_run(40), _CHAIN),
    Row("run-100", "whole run, round trip 100 ms", "ms", way.whole_run(100), _CHAIN),
    Row("waits", "`run --emulator` asleep for no reason that is written down", "ms", alone(waits.unexplained), ("≤ 0",)),
    # A peer, from its making to `session.created`.
    Row("peer", "peer open, loopback", "ms", way.peer_opens(), ("≤ 1 × chromium",)),
    Row("peer-100", "peer open, round trip 100 ms", "ms", way.peer_opens(100), ("≤ 1 × chromium",)),
    Row(
        "peer-40-lossy", "peer open, round trip 40 ms, 5 % loss each way", "ms", way.peer_opens(40, one_lost_of=20),
        ("≤ 1 × chromium", "≤ 1 × chromium at p90"), share=4,
    ),
    Row("udp-blocked", "UDP blocked, verdict", "s", way.udp_blocked, ("≤ 5",), share=0.2, warm_up=False),
    # The emulator.
    Row("emulator-first", "emulator, first answer", "ms", alone(serving.first_answer), ("≤ 1.2 × aimock",)),
    Row(
        "emulator-sockets", "emulator, WebSocket sessions", "/s", serving.sockets(serving.sockets_per_s),
        ("≥ 1 × aimock",),
    ),
    Row(
        "emulator-sockets-cpu", "emulator, CPU of a WebSocket session", "ms", serving.sockets(serving.cpu_ms_per_socket),
        ("≤ 1 × aimock",),
    ),
    Row(
        "emulator-peers", "emulator, WebRTC at once under 1 s", "peers", serving.at_once(audio=False), ("≥ 100",),
        share=0.5,
    ),
    Row(
        "emulator-peers-audio", "the same with audio", "peers", serving.at_once(audio=True), ("≥ 60",), share=0.5,
    ),
    Row(
        "emulator-memory-sockets", "emulator, memory more after 12,000 sockets than after 100", "MB",
        alone(serving.growth_of_sockets), ("≤ 4",), share=0.2, warm_up=False,
    ),
    Row(
        "emulator-memory-peers", "emulator, memory more after 550 peers than after 100", "MB",
        alone(serving.growth_of_peers), ("≤ 4",), share=0.2, warm_up=False,
    ),
    # What is masked and read.
    Row("mask", "masking one event of 1 KB", "ms", texts.masking(1), ("≤ 0.3",)),
    Row("mask-1000", "the same, with 1,000 known secrets", "ms", texts.masking(1000), ("≤ 0.3", "≤ 1.1 × one known")),
    Row("har", "`explain`, HAR of 50,000 entries", "ms", alone(texts.a_har), ("≤ 4 × ijson alone",), share=0.5),
    Row("har-memory", "its memory", "MB", alone(texts.memory_of_a_har), (), share=0.2, warm_up=False),
    Row("replay", "`replay` of a 19 MB report", "ms", texts.reads("replay"), _READ, share=0.5),
    Row("diff", "`diff` of a 19 MB report and itself", "ms", texts.reads("diff", times=2), _READ, share=0.5),
    Row("html", "HTML of a 19 MB report", "ms", texts.reads("replay", "-o", "html"), _READ, share=0.5),
)  # fmt: skip

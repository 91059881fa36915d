"""`rtdiag emulator`: the API on this machine, what is known of it, and where it answers otherwise than a report shows."""

from __future__ import annotations

import signal
import sys
from datetime import date

import click

from rtdiag.cli.options import ENVIRONMENT, day, fault
from rtdiag.cli.stderr import say
from rtdiag.cli.usage import of_the_emulator, refuse, tell_broken


@click.command("emulator", context_settings=ENVIRONMENT)
@click.option(
    "--as-of", metavar="DATE", callback=day, help="The API as it was on that day. Default: the newest that is known."
)
@fault("Break it so. Repeatable.")
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Where HTTP and WebSocket are served."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Their port; 0 takes a free one."
)
@click.option(
    "--pace",
    type=click.FloatRange(0, 100),
    metavar="N",
    default=1,
    show_default=True,
    help="How long a response takes to make: 1 as recorded, 2 twice as long, 0 at once.",
)
@click.option(
    "--profile",
    metavar="NAME",
    default="openai",
    show_default=True,
    help="Whose server it is: openai, azure, azure-voice-live, xai, litellm, gateway or compatible.",
)
@click.option(
    "--control-port",
    type=click.IntRange(0, 65535),
    help="Switch faults while it runs, over that port on loopback: GET or PUT /faults. Default: off.",
)
@click.option(
    "--tls", is_flag=True, help="Serve https and wss; what clients must trust for it is printed with the URL."
)
@click.option(
    "--merge-slashes",
    is_flag=True,
    help="Take /v1//realtime for /v1/realtime; whether the API does is in no public source.",
)
@click.option(
    "--compare",
    "report",
    envvar="RTDIAG_COMPARE",
    metavar="REPORT",
    help="Ask the emulator what the run of that JSON report asked, or the client of that recording, list where it answers "
    "otherwise, and end.",
)
@click.option("--cassette", metavar="FILE", help="With --compare: write the exchanges that differ as a cassette.")
@click.option("--list-faults", is_flag=True, help="List the faults and end.")
@click.option("--timeline", is_flag=True, help="List what changed on which day, with its source, and end.")
def command(
    as_of: date | None,
    faults: tuple[str, ...],
    host: str,
    port: int,
    pace: float,
    profile: str,
    control_port: int | None,
    tls: bool,
    merge_slashes: bool,
    report: str | None,
    cassette: str | None,
    list_faults: bool,
    timeline: bool,
) -> None:
    """Serve the Realtime API on this machine until interrupted, and print its base URL and key."""
    if not (list_faults or timeline or report):
        from rtdiag.emulator import loading

        loading.serving()
    tell_broken(of_the_emulator())
    if list_faults or timeline:
        _list(timeline=timeline)
        return
    if cassette is not None and report is None:
        refuse("--cassette holds what --compare finds: name the report, as --compare REPORT")
    serving = (control_port, port, host, tls, merge_slashes, profile, pace)
    if report is not None and (faults or serving != (None, 0, "127.0.0.1", False, False, "openai", 1)):
        refuse("--compare asks a healthy emulator of its own: only --as-of and --cassette go with it")
    if report is not None:
        sys.exit(_compare(report, cassette, as_of))
    import asyncio

    from rtdiag.cli.terminal import show
    from rtdiag.emulator import Emulator, loading
    from rtdiag.intake import why

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        served = Emulator(
            as_of=as_of,
            faults=faults,
            host=host,
            port=port,
            control_port=control_port,
            pace=pace,
            tls=tls,
            profile=profile,
            merge_slashes=merge_slashes,
        )
        async with served:
            show(served.banner)
            await loading.media(stop)
            for line in served.warnings:
                say(f"rtdiag: {line}")
            await stop.wait()

    try:
        asyncio.run(serve())
    except UnicodeError:
        refuse(f"--host {host}: no host is called so: give an address, such as 127.0.0.1")
    except ValueError as exc:
        refuse(str(exc))
    except OSError as exc:  # of a port that is taken asyncio names the address, and so which of the two it is
        from rtdiag.intake import why

        refuse(f"--host {host}: {why(exc)}")


def _list(*, timeline: bool) -> None:
    """Print what changed when, or what can be broken and which cases show it."""
    from rtdiag.cli.terminal import show
    from rtdiag.emulator.listings import faults_text, timeline_text
    from rtdiag.engine import registry

    if timeline:
        show(timeline_text())
        return
    show(faults_text({f"{check.id}.{case.id}" for check in registry.load().checks.values() for case in check.cases}))


def _compare(report: str, cassette: str | None, as_of: date | None) -> int:
    """Print where the emulator answers otherwise than the report, or the recording of live traffic, shows.

    Exit code: 0 nowhere, 1 somewhere, 2 nothing to ask again or nowhere to write, 130 interrupted.
    """
    from rtdiag.cli.files import refusal, whole
    from rtdiag.cli.terminal import show
    from rtdiag.compare import drift, recording
    from rtdiag.intake import Unusable, called, text_of, why
    from rtdiag.recorded import FILE, report_in

    if cassette is not None and (refused := refusal(cassette)):
        refuse(f"--cassette {cassette}: {refused}")
    try:
        text = text_of(report, FILE)
        if recording.is_recording(text):
            return _compare_recording(report, text, cassette, as_of)
        found = drift.compare(report_in(text, whole=True), as_of)
    except Unusable as exc:
        refuse(f"{called(report)}: {exc}")
    except KeyboardInterrupt:
        say("rtdiag: interrupted; nothing was compared to the end")
        return 130
    show(drift.text(found))
    if cassette and (held := drift.as_cassette(found)):
        try:
            whole(cassette, held)
        except OSError as exc:
            refuse(f"{cassette}: {why(exc)}")
    elif cassette:
        say(f"rtdiag: {cassette}: not written, for no HTTP exchange differs")
    return 1 if found.differences else 0


def _compare_recording(name: str, text: str, cassette: str | None, as_of: date | None) -> int:
    """The same of a recording. A sideband's call is looked for in the file beside it that is called alike."""
    import asyncio
    from pathlib import Path

    from rtdiag.cli.terminal import show
    from rtdiag.compare import recording
    from rtdiag.intake import text_of
    from rtdiag.recorded import FILE

    if cassette is not None:
        refuse("--cassette holds what differs from a report, and this is a recording: leave it away")
    files = {name: recording.recording_in(text)}
    call = Path(name).with_name(recording.call_of(Path(name).name))
    if call.name != Path(name).name and call.is_file():
        files[str(call)] = recording.recording_in(text_of(str(call), FILE))
    found = {name: asyncio.run(recording.replayed(files, as_of))[name]}
    show(recording.listing(found))
    differs = bool(recording.unexplained(found[name]))
    if differs and files[name].partial:
        say("rtdiag: it was posted without what led to it, which may be why")
    return 1 if differs else 0

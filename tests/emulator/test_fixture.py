"""The emulator in other people's tests: the fixture, the block around code that does not await, and that nothing is left."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from inspect import signature
from pathlib import Path

import httpx
import pytest

from rtdiag.emulator import Emulator, NoSuchDate, Running, UnknownFault, running
from tests.emulator.clients import MODEL, WAIT_S, bearer, open_sockets, peer

SDP = "application/sdp"
UNMODIFIED = """
from openai import OpenAI


def test_it_mints(realtime_emulator):
    secret = OpenAI().realtime.client_secrets.create()
    assert secret.value.startswith("ek_")
"""
MARKED = """
import os

import httpx
import pytest


def models(emulator, path="/models"):
    return httpx.get(emulator.base_url + path, headers={"Authorization": f"Bearer {emulator.key}"})


def test_plain(realtime_emulator):
    assert models(realtime_emulator).status_code == 200
    assert os.environ["OPENAI_BASE_URL"] == realtime_emulator.base_url
    assert os.environ["OPENAI_API_KEY"] == realtime_emulator.key


@pytest.mark.realtime_emulator(as_of="2025-03-21", faults=["key-revoked"])
def test_marked(realtime_emulator):
    assert models(realtime_emulator).status_code == 401
    assert realtime_emulator.as_of.isoformat() == "2025-03-21"


@pytest.mark.realtime_emulator(environment=False)
def test_the_variables_are_left_alone(realtime_emulator):
    assert "OPENAI_API_KEY" not in os.environ


@pytest.mark.realtime_emulator(profile="azure", merge_slashes=True)
def test_another_server(realtime_emulator):
    assert os.environ["OPENAI_BASE_URL"].endswith("/openai/v1")
    assert models(realtime_emulator, "//models").status_code == 200


def test_afterwards_they_are_as_before():
    assert "OPENAI_BASE_URL" not in os.environ
"""
MISTAKEN = """
import pytest


@pytest.mark.realtime_emulator(faults=["key-revokd"])
def test_the_fault_is_unknown(realtime_emulator):
    pass


@pytest.mark.realtime_emulator(fault="key-revoked")
def test_the_word_is_unknown(realtime_emulator):
    pass
"""

MERGED = """
from datetime import date, datetime

import pytest

pytestmark = pytest.mark.realtime_emulator(as_of="2025-03-21", environment=False)


@pytest.mark.realtime_emulator(faults="key-revoked")
class TestOfAClass:
    def test_adds_up(self, realtime_emulator):
        assert (realtime_emulator.as_of, realtime_emulator.faults) == (date(2025, 3, 21), ("key-revoked",))

    @pytest.mark.realtime_emulator(datetime(2026, 5, 12, 23, 59), ["no-location"])
    def test_the_nearest_holds(self, realtime_emulator):
        assert (realtime_emulator.as_of, realtime_emulator.faults) == (date(2026, 5, 12), ("no-location",))


@pytest.mark.realtime_emulator(as_of=None)
def test_none_is_said_too(realtime_emulator):
    assert (realtime_emulator.as_of > date(2025, 3, 21), realtime_emulator.faults) == (True, ())
"""


def pytest_in(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    """What another project's pytest says of that test, where warnings are errors and markers strict."""
    (folder / "test_theirs.py").write_text(test, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "--strict-markers", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_test_of_another_project_takes_three_lines(tmp_path: Path) -> None:
    done = pytest_in(tmp_path, UNMODIFIED)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout


def test_the_marker_says_which_api_it_is(tmp_path: Path) -> None:
    done = pytest_in(tmp_path, MARKED)
    assert (done.returncode, "5 passed" in done.stdout) == (0, True), done.stdout


def test_a_mistake_in_the_marker_is_an_error_that_says_what(tmp_path: Path) -> None:
    done = pytest_in(tmp_path, MISTAKEN)
    assert (done.returncode, "2 errors" in done.stdout) == (1, True), done.stdout
    assert "did you mean key-revoked" in done.stdout
    assert "unexpected keyword argument 'fault'" in done.stdout


def test_markers_add_up_and_the_nearest_holds(tmp_path: Path) -> None:
    done = pytest_in(tmp_path, MERGED)
    assert (done.returncode, "3 passed" in done.stdout) == (0, True), done.stdout


WRONG = [
    ("bogus=1", "unexpected keyword argument 'bogus'"),
    ("as_of='yesterday'", "yesterday"),
    ("as_of='2024-09-30'", "2024-09-30"),
    ("as_of=5", "not 5"),
    ("faults=None", "not None"),
    ("faults=['no-location', 5]", "5"),
    ("faults='key-revokd'", "did you mean key-revoked"),
    ("['key-revoked']", "not ['key-revoked']"),
    ("environment='no'", "not 'no'"),
    ("pace='slow'", "not 'slow'"),
    ("pace=-1", "not -1"),
    ("tls='yes'", "not 'yes'"),
    ("merge_slashes=1", "not 1"),
    ("profile='azur'", "did you mean azure"),
    ("profile=7", "not 7"),
    ("None, (), True, False, 1, 'azure', True, 1", "too many positional arguments"),
]


def test_wrong_arguments_of_the_marker_are_one_line_each(tmp_path: Path) -> None:
    marked = (
        f"@pytest.mark.realtime_emulator({arguments})\ndef test_{number}(realtime_emulator):\n    pass\n"
        for number, (arguments, _) in enumerate(WRONG)
    )
    done = pytest_in(tmp_path, "\n\n".join(("import pytest", *marked)))
    assert (done.returncode, f"{len(WRONG)} errors" in done.stdout) == (1, True), done.stdout
    assert "Traceback" not in done.stdout
    assert "fixture.py" not in done.stdout
    head = (
        "@pytest.mark.realtime_emulator(as_of=None, faults=(), environment=True, tls=False, pace=1, profile='openai',"
        " merge_slashes=False): "
    )
    told = [line for line in done.stdout.splitlines() if line.startswith(head)]
    for line, (_, words) in zip(told, WRONG, strict=True):
        assert words in line


def test_pytest_starts_without_the_emulators_libraries() -> None:
    script = (
        "import sys, pytest; before = set(sys.modules); import rtdiag.emulator.fixture;"
        "print(sorted({'asyncio', 'aiohttp', 'aiortc', 'av', 'yaml'} & (sys.modules.keys() - before)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_fixture_serves_this_suite_too(realtime_emulator: Running) -> None:
    assert models(realtime_emulator) == 200
    assert os.environ["OPENAI_BASE_URL"] == realtime_emulator.base_url


def test_two_at_once_are_strangers() -> None:
    with running() as one, running(date(2026, 5, 12), ["key-revoked"]) as other:
        assert one.base_url != other.base_url
        assert (models(one), models(other)) == (200, 401)
        other.set_faults()
        token = mint(one)
        assert [offered(emulator, token) for emulator in (one, other)] == [201, 401]
        assert [emulator.open_calls for emulator in (one, other)] == [1, 0]


def test_faults_are_switched_while_it_runs() -> None:
    with running() as emulator:
        emulator.set_faults("key-revoked")
        assert (emulator.faults, models(emulator)) == (("key-revoked",), 401)
        with pytest.raises(UnknownFault, match="did you mean key-revoked"):
            emulator.set_faults("key-revokd")
        assert models(emulator) == 401
        emulator.set_faults()
        assert models(emulator) == 200
    with pytest.raises(RuntimeError, match="closed"):
        emulator.set_faults("key-revoked")


def test_code_that_awaits_can_stand_in_the_block() -> None:
    async def ask(emulator: Running) -> int:
        async with httpx.AsyncClient(trust_env=False, timeout=WAIT_S) as client:
            return (await client.get(emulator.base_url + "/models", headers=bearer(emulator.key))).status_code

    async def run() -> int:
        with running() as emulator:
            return await ask(emulator)

    assert asyncio.run(run()) == 200


def test_it_listens_for_switches_where_it_is_asked_to() -> None:
    with running(control_port=0) as emulator:
        assert emulator.control_url
        switched = httpx.put(emulator.control_url, json=["key-revoked"], trust_env=False)
        assert switched.json()["on"] == ["key-revoked"]
        assert (emulator.faults, models(emulator)) == (("key-revoked",), 401)


@pytest.mark.parametrize("error", [None, RuntimeError("theirs"), KeyboardInterrupt(), SystemExit(1)])
def test_nothing_is_left_however_the_block_ends(error: BaseException | None) -> None:
    with nothing_left(), expected(error), running() as emulator:
        assert offered(emulator, mint(emulator)) == 201
        assert emulator.open_calls == 1
        if error:
            raise error
    assert emulator.open_calls == 0


def test_a_session_that_is_open_ends_with_the_block() -> None:
    async def run() -> None:
        async with peer() as made:
            with running() as emulator:
                await made.accept(post(emulator, emulator.key, await made.offer()).text)
                assert (await made.event())["type"] == "session.created"
            await made.state("connectionState", {"closed"})

    with nothing_left():
        asyncio.run(run())


def test_an_error_of_the_start_comes_to_the_caller() -> None:
    with running() as first, nothing_left():
        taken = int(first.base_url.split(":")[2].removesuffix("/v1"))
        with pytest.raises(OSError, match=rf"Errno {errno.EADDRINUSE}\b"), running(port=taken):
            pytest.fail("it cannot run there")
        with pytest.raises(UnknownFault, match="did you mean key-revoked"), running(faults=["key-revokd"]):
            pytest.fail("there is no such fault")
        with pytest.raises(NoSuchDate), running(date(2024, 9, 30)):
            pytest.fail("there was no such API")


def test_it_takes_what_the_emulator_takes() -> None:
    assert signature(running).parameters == signature(Emulator).parameters


def test_offers_that_are_under_way_when_it_stops_leave_nothing() -> None:
    async def run() -> None:
        async with peer() as made:
            offer = await made.offer()
        before = asyncio.all_tasks()
        answered, statuses = asyncio.Event(), set[int]()

        async def offer_on(client: httpx.AsyncClient, emulator: Emulator) -> None:
            for _ in range(100):
                url, headers = f"{emulator.base_url}/realtime/calls{MODEL}", bearer(emulator.key, SDP)
                statuses.add((await client.post(url, headers=headers, content=offer)).status_code)
                answered.set()

        async with httpx.AsyncClient(trust_env=False, timeout=WAIT_S) as client:
            async with Emulator() as emulator:
                clients = [asyncio.ensure_future(offer_on(client, emulator)) for _ in range(20)]
                await asyncio.wait_for(answered.wait(), WAIT_S)
            assert emulator.open_calls == 0
            ends = await asyncio.gather(*clients, return_exceptions=True)
        assert all(isinstance(end, httpx.TransportError) for end in ends)
        assert statuses == {201}
        assert asyncio.all_tasks() == before

    with nothing_left():
        asyncio.run(run())


@contextmanager
def nothing_left() -> Iterator[None]:
    """Afterwards this process has the threads and open sockets that it had before."""
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    assert set(threading.enumerate()) == threads
    assert open_sockets() == sockets


@contextmanager
def expected(error: BaseException | None) -> Iterator[None]:
    """Takes that error, and fails where it does not come out as it was."""
    try:
        yield
    except BaseException as came:
        if came is not error:
            raise
    else:
        assert error is None


def models(emulator: Running) -> int:
    """The status of the list of models, asked for with the key."""
    url = emulator.base_url + "/models"
    return httpx.get(url, headers=bearer(emulator.key), trust_env=False, timeout=WAIT_S).status_code


def mint(emulator: Running) -> str:
    """A client secret."""
    body = {"session": {"type": "realtime", "model": "gpt-realtime"}}
    url = emulator.base_url + "/realtime/client_secrets"
    answer = httpx.post(url, headers=bearer(emulator.key), json=body, trust_env=False, timeout=WAIT_S)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["value"])


def post(emulator: Running, credential: str, offer_sdp: str) -> httpx.Response:
    """The answer to an offer."""
    url = f"{emulator.base_url}/realtime/calls{MODEL}"
    return httpx.post(url, headers=bearer(credential, SDP), content=offer_sdp, trust_env=False, timeout=WAIT_S)


def offered(emulator: Running, credential: str) -> int:
    """The status of the answer to a real offer; whoever made it is gone then."""

    async def run() -> str:
        async with peer() as made:
            return await made.offer()

    return post(emulator, credential, asyncio.run(run())).status_code

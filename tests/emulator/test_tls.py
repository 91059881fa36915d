"""Over TLS: who trusts the emulator's certificate, how a connection ends, and that nothing of it stays on the disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from rtdiag.emulator import Emulator, Running, running
from tests.emulator.clients import MODEL, WAIT_S, bearer
from tests.needs import needed

NODE = """
const { OPENAI_BASE_URL: url, OPENAI_API_KEY: key } = process.env;
const answer = await fetch(`${url}/models`, { headers: { Authorization: `Bearer ${key}` } });
console.log(answer.status, new URL(url).protocol);
"""
THEIRS = """
import pytest
from openai import OpenAI


@pytest.mark.realtime_emulator(tls=True)
def test_it_mints(realtime_emulator):
    assert realtime_emulator.base_url.startswith("https://")
    assert OpenAI().realtime.client_secrets.create().value.startswith("ek_")
"""


def trusting(emulator: Emulator | Running) -> ssl.SSLContext:
    """A client's setting that trusts what the emulator says is to be trusted."""
    return ssl.create_default_context(cafile=emulator.ca_file)


def environment(emulator: Emulator) -> dict[str, str]:
    """This process's, with the lines of the banner."""
    lines = (line.partition("=") for line in emulator.banner.splitlines() if "=" in line)
    return {**os.environ, **{name: value for name, _, value in lines}}


def test_clients_that_trust_it_connect() -> None:
    async def run() -> None:
        async with Emulator(tls=True) as emulator:
            async with httpx.AsyncClient(verify=trusting(emulator), trust_env=False) as client:
                answer = await client.get(emulator.base_url + "/models", headers=bearer(emulator.key))
                assert answer.status_code == 200
            url, headers = f"{emulator.ws_url}/realtime{MODEL}", bearer(emulator.key)
            assert url.startswith("wss://127.0.0.1:")
            async with connect(url, additional_headers=headers, ssl=trusting(emulator), proxy=None) as made:
                assert '"session.created"' in str(await asyncio.wait_for(made.recv(), WAIT_S))

    asyncio.run(run())


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_its_names_are_in_the_certificate_and_others_are_not(name: str) -> None:
    with running(tls=True) as emulator:
        url = emulator.base_url.replace("127.0.0.1", name) + "/nowhere"
        assert httpx.get(url, verify=trusting(emulator), trust_env=False).status_code == 404
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            httpx.get(url, trust_env=False)


def test_every_address_is_in_the_certificate_where_it_listens_on_all() -> None:
    with running(host="0.0.0.0", tls=True) as emulator:
        port = httpx.URL(emulator.base_url).port
        for address in {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}:
            url = f"https://{address}:{port}/v1/nowhere"
            assert httpx.get(url, verify=trusting(emulator), trust_env=False).status_code == 404


def test_node_trusts_it_by_the_variable_that_is_printed() -> None:
    node = needed(shutil.which("node"), "no node is installed")
    command = [node, "--input-type=module", "-e", NODE]

    async def run() -> tuple[bytes, bytes]:
        async with Emulator(tls=True) as emulator:
            made = await asyncio.create_subprocess_exec(
                *command, env=environment(emulator), stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            return await asyncio.wait_for(made.communicate(), WAIT_S)

    told, wrong = asyncio.run(run())
    assert told == b"200 https:\n", wrong.decode()


def test_the_fixture_serves_it_and_names_whom_to_trust(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(THEIRS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout


def test_nothing_of_it_stays_on_the_disk(tmp_path: Path) -> None:
    with temporary(tmp_path), running(tls=True) as emulator:
        assert emulator.ca_file
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == [Path(emulator.ca_file)]
        assert "PRIVATE" not in Path(emulator.ca_file).read_text(encoding="ascii")
    assert list(tmp_path.iterdir()) == []
    assert emulator.ca_file is None


def test_nothing_stays_where_the_port_is_taken(tmp_path: Path) -> None:
    async def run() -> None:
        async with Emulator() as first:
            second = Emulator(port=httpx.URL(first.base_url).port or 0, tls=True)
            with pytest.raises(OSError, match="Errno"):
                await second.__aenter__()

    with temporary(tmp_path):
        asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


def test_the_key_can_be_read_by_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    load = ssl.SSLContext.load_cert_chain

    def watched(context: ssl.SSLContext, path: str) -> None:
        modes.append(Path(path).stat().st_mode & 0o777)
        load(context, path)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    with temporary(tmp_path), running(tls=True):
        assert modes == [0o600]


@pytest.mark.parametrize("first", [b"", b"GET /v1/models HTTP/1.1\r\n\r\n", b"\x16\x03\x01"])
def test_who_speaks_no_tls_holds_nothing_up(first: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    async def run() -> None:
        before = asyncio.all_tasks()
        async with Emulator(tls=True) as emulator:
            url = httpx.URL(emulator.base_url)
            reader, writer = await asyncio.open_connection(url.host, url.port)
            writer.write(first)
            await writer.drain()
            async with httpx.AsyncClient(verify=trusting(emulator), trust_env=False) as client:
                assert (await client.get(f"{url}/nowhere")).status_code == 404
        assert asyncio.all_tasks() == before
        with suppress(ConnectionResetError):
            await asyncio.wait_for(reader.read(), WAIT_S)
        writer.close()

    asyncio.run(run())
    assert capfd.readouterr() == ("", "")


def test_the_command_prints_what_an_environment_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rtdiag", "emulator", "--tls"]
    variables = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables) as made:
        assert made.stdout
        printed = dict(
            line.rstrip().split("=", 1) for line in (made.stdout.readline() for _ in range(5)) if "=" in line
        )
        assert list(printed) == ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "OPENAI_BASE_URL", "OPENAI_API_KEY"]
        assert Path(printed["SSL_CERT_FILE"]).is_relative_to(tmp_path)
        trusted = ssl.create_default_context(cafile=printed["NODE_EXTRA_CA_CERTS"])
        assert httpx.get(printed["OPENAI_BASE_URL"] + "/nowhere", verify=trusted, trust_env=False).status_code == 404
        made.send_signal(signal.SIGTERM)
        assert made.wait(WAIT_S) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_script_for_jobs_hands_on_whom_to_trust(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / ".github" / "actions" / "rtdiag" / "emulator.sh"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "TMPDIR": str(tmp_path), "GITHUB_ENV": str(tmp_path / "environment")}
    subprocess.run(["bash", script, "--tls"], env=variables, check=True, stdout=subprocess.DEVNULL, timeout=60)
    told = dict(line.split("=", 1) for line in (tmp_path / "environment").read_text("utf-8").splitlines())
    try:
        trusted = ssl.create_default_context(cafile=told["SSL_CERT_FILE"])
        assert httpx.get(told["OPENAI_BASE_URL"] + "/nowhere", verify=trusted, trust_env=False).status_code == 404
        assert told["NODE_EXTRA_CA_CERTS"] == told["SSL_CERT_FILE"]
    finally:
        os.kill(int(told["RTDIAG_EMULATOR_PID"]), signal.SIGTERM)


@contextmanager
def temporary(folder: Path) -> Iterator[None]:
    """Temporary files of this process go there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        yield

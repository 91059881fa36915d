"""A TURN server as others run it: coturn, in the far namespace."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.needs import needed

PORT, TLS_PORT = 3478, 5349
USERNAME, CREDENTIAL = "someone", "FAKE-c0turn"
_BINDING = bytes.fromhex("000100002112a442") + bytes(12)  # RFC 8489 section 5: a request with an empty id
_TRIES, _TRY_S = 100, 0.1


@contextmanager
def coturn(
    host: str,
    certificate: tuple[Path, Path] | None = None,
    ports: tuple[int, int] = (PORT, TLS_PORT),
    more: Sequence[str] = (),
) -> Iterator[None]:
    """It wants credentials for TURN and none for STUN. To be entered inside the namespace; it answers once it is yielded."""
    program = needed(shutil.which("turnserver"), "coturn is not installed (apt-get install coturn)")
    secured = [f"--cert={certificate[0]}", f"--pkey={certificate[1]}"] if certificate else ["--no-tls", "--no-dtls"]
    options = [
        "--lt-cred-mech",
        f"--user={USERNAME}:{CREDENTIAL}",
        "--realm=road.test",
        "--no-cli",
        "--log-file=/dev/null",
        "--pidfile=",
    ]
    command = [
        program,
        "-n",
        f"--listening-ip={host}",
        f"--relay-ip={host}",
        f"--userdb={_NOWHERE}",
        f"--listening-port={ports[0]}",
        f"--tls-listening-port={ports[1]}",
        *options,
        *secured,
        *more,
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(host, ports[0])
        yield
    finally:
        process.kill()
        process.wait()


_NOWHERE = "/dev/null"


def _wait(host: str, port: int) -> None:
    """Until it answers a STUN request."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(_TRY_S)
        asking.connect((host, port))
        for _ in range(_TRIES):
            try:
                asking.send(_BINDING)
                asking.recv(1024)
                return
            except ConnectionRefusedError:
                _pause(asking)
            except TimeoutError:
                continue
    raise AssertionError("coturn does not answer")


def _pause(asking: socket.socket) -> None:
    """As long as one try lasts."""
    try:
        asking.recv(1024)
    except OSError:
        return

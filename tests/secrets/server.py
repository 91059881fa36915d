"""A server on loopback that says whatever a test wants, bytes as they are, and repeats what it was sent; no proxy but plays one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import StreamRequestHandler, ThreadingTCPServer


@dataclass(frozen=True)
class Asked:
    """One request as it came: the first line, the headers in one text, and the body."""

    line: str
    headers: str
    body: bytes

    def header(self, name: str) -> str:
        """The value of the first header of that name, "" without one."""
        lines = (line.partition(":") for line in self.headers.splitlines())
        return next((value.strip() for given, _, value in lines if given.lower() == name), "")


Answer = Callable[[Asked], bytes]


class _Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    answer: Answer


class _Handler(StreamRequestHandler):
    def handle(self) -> None:
        """One request, one answer, and the end."""
        line, headers = self.rfile.readline().decode("latin-1").strip(), ""
        while (given := self.rfile.readline().decode("latin-1")).strip():
            headers += given
        asked = Asked(line, headers, b"")
        length, chunked = asked.header("content-length"), asked.header("transfer-encoding")
        body = self.rfile.read(int(length)) if length else self._chunks() if chunked else b""
        assert isinstance(self.server, _Server)
        self.wfile.write(self.server.answer(Asked(line, headers, body)))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body


@contextmanager
def serving(answer: Answer) -> Iterator[int]:
    """The port where it answers so."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.answer = answer
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def response(status: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
    """An answer in bytes; texts of headers go out as UTF-8."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode() + body


def repeating(planted: str) -> Answer:
    """An answer that refuses everything, and tells all that it was sent, and `planted`, in every place that there is."""

    def answer(asked: Asked) -> bytes:
        sent = asked.header("authorization").partition(" ")[2] or "nothing"
        told = f"Incorrect API key provided: {sent}. Asked: {asked.line} {asked.headers}; cookie {planted}"
        error = {"message": told, "type": "invalid_request_error", "code": "invalid_api_key", "param": planted}
        body = json.dumps({"error": error, planted: [planted, asked.body.decode("utf-8", "replace")]}).encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Set-Cookie", f"session={planted}; Path=/"),
            ("x-request-id", f"req_{sent}"),
            ("x-sent", sent),
            (f"x-{sent if sent.isascii() and ' ' not in sent else 'n'}", "1"),
            ("Location", f"/v1/realtime/calls/rtc_{sent}"),
        ]
        return response("401 Unauthorized", headers, body)

    return answer

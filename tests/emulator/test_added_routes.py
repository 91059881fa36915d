"""Routes that packages add: answered as their file says, after the API's own refusals, and refused where they cannot be."""

from __future__ import annotations

import json
import re
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from rtdiag.api.own_yaml import converted
from rtdiag.emulator import added_routes
from rtdiag.emulator.added_routes import AddedRoute
from rtdiag.emulator.faults import GROUP
from tests.emulator.test_http import ask

ROUTES: list[dict[str, Any]] = [
    {"request": "GET /acme", "source": "s", "answer": {"json": {"left": 3}}},
    {"request": "POST /acme/new", "source": "s", "needs_key": False, "answer": {"status": 201, "text": "done"}},
    {"request": "GET /acme/gone", "source": "s", "answer": {"status": 404, "body": "invalid-url"}},
]


ALL = added_routes._all.__wrapped__


@pytest.fixture(autouse=True)
def _added(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {route["request"]: converted(route, AddedRoute) for route in ROUTES}
    monkeypatch.setattr(added_routes, "_all", lambda: (known, ()))


def test_an_added_route_answers_as_its_file_says() -> None:
    answer = ask("GET", "/acme", key=True)
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (200, {"left": 3}, "application/json")
    assert "x-request-id" not in answer.headers, "it is not the API's answer"


def test_without_the_key_it_refuses_unless_it_needs_none() -> None:
    assert ask("GET", "/acme").status_code == 401
    assert (ask("POST", "/acme/new").status_code, ask("POST", "/acme/new").text) == (201, "done")


def test_it_can_answer_with_a_body_of_the_apis() -> None:
    answer = ask("GET", "/acme/gone", key=True)
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Invalid URL (GET /v1/acme/gone)")


@pytest.mark.parametrize(("method", "path"), [("POST", "/acme"), ("GET", "/acme/"), ("GET", "/acm")])
def test_what_is_beside_it_is_no_url_of_the_api(method: str, path: str) -> None:
    assert ask(method, path, key=True).json()["error"]["message"].startswith("Invalid URL")


def test_a_route_of_two_packages_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for package in ("acme_one", "acme_two"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "routes.yaml").write_text(json.dumps(ROUTES), encoding="utf-8")
        (tmp_path / package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    entries = [EntryPoint(name, f"acme_{name}", GROUP) for name in ("one", "two")]
    monkeypatch.setattr("rtdiag.api.plugins.entry_points", lambda **_: entries)
    known, broken = ALL()
    assert list(known) == [route["request"] for route in ROUTES]
    (told,) = broken
    assert (told.id, told.kind) == ("two-routes", "routes")
    assert told.reason == "acme_two/routes.yaml: GET /acme: another package has that route already"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"request": "/acme"}, "request: it is a method and a path below /v1, such as GET /acme/limits"),
        ({"request": "GET acme"}, "request: it is a method and a path below /v1, such as GET /acme/limits"),
        ({"request": "GET /models/acme"}, "request: what is below that path is the API's own"),
        ({"request": "POST /realtime"}, "request: what is below that path is the API's own"),
        ({"answer": {"text": "a", "json": {}}}, "answer: it has one of body, text and json"),
        ({"answr": {}}, "answr: unknown key; did you mean answer?"),
    ],
)
def test_what_cannot_be_answered_is_refused(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(why)}"):
        converted(ROUTES[0] | changed, AddedRoute)

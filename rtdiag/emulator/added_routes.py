"""Routes that other packages add to the emulator, as data: `routes.yaml` beside the faults that they offer (`rtdiag.faults`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

from rtdiag.api import own_yaml, plugins
from rtdiag.api.endpoints import MODELS, REALTIME
from rtdiag.api.expressions import expression
from rtdiag.emulator.faults import GROUP, Answer

_FORM = expression(r"(GET|POST|PUT|PATCH|DELETE) /[^\s?]+")


class AddedRoute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a server that is not the API answers beside it.

    `request`: method and path below `/v1`, as `GET /acme/limits`. `needs_key`: anything but the key is refused as the API does.
    """

    request: str
    source: str
    answer: Answer
    needs_key: bool = True

    def __post_init__(self) -> None:
        if not _FORM.fullmatch(self.request):
            raise ValueError("it is a method and a path below /v1, such as `GET /acme/limits` - at `$.request`")
        if self.request.partition(" ")[2].startswith((MODELS, REALTIME)):
            raise ValueError("what is below that path is the API's own - at `$.request`")


def added_route(method: str, path: str) -> AddedRoute | None:
    """The route of that request, if a package adds one."""
    return _all()[0].get(f"{method} {path}")


def broken() -> tuple[plugins.Broken, ...]:
    """The packages whose routes cannot be used."""
    return _all()[1]


@cache
def _all() -> tuple[Mapping[str, AddedRoute], tuple[plugins.Broken, ...]]:
    start: Mapping[str, AddedRoute] = {}
    return plugins.joined(start, GROUP, "routes", lambda known, entry: _with(known, entry.value))


def _with(known: Mapping[str, AddedRoute], package: str) -> Mapping[str, AddedRoute]:
    """These and those of a package, which need not have any. Raises BadData."""
    source = (package, "routes.yaml")
    if not files(package).joinpath("routes.yaml").is_file():
        return known
    new = {route.request: route for route in own_yaml.listed(AddedRoute, source)}
    if twice := known.keys() & new:
        raise own_yaml.BadData(f"{own_yaml.shown(source)}: {min(twice)}: another package has that route already")
    return {**known, **new}

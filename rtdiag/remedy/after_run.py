"""The requests that should work in place of those that did not: the user's own, mended; never one that was just refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from rtdiag import servers
from rtdiag.api import sessions
from rtdiag.api.endpoints import CALLS, Dialect, Kind, mint_path
from rtdiag.api.keys import of_shell
from rtdiag.api.models import ENDED, ENDS_SOON, default
from rtdiag.api.sessions import Json
from rtdiag.diagnosis import catalogue
from rtdiag.model import NOT_OFFERED, CredentialShown, Diagnosis, Exchange, Outcome, Status, Target, WorkingRequests
from rtdiag.remedy.refused_requests import refused, request
from rtdiag.remedy.requests import corrected, offer_url

# The topics of the catalogue that another request mends; of the credentials only the life of a token.
_MENDED_BY_A_REQUEST = frozenset({"endpoint", "sdp", "session", "vad"})


_SOME_KEY = CredentialShown("api-key")
# What these requests go to.
_TAKEN = frozenset({"server.mint", "server.calls"})


def requests(
    diagnosis: tuple[Diagnosis, ...],
    checks: tuple[Outcome, ...],
    target: Target,
    on: date,
    exchanges: Iterable[Exchange] = (),
    credential: CredentialShown = _SOME_KEY,
) -> WorkingRequests | None:
    """The requests that should work for the kind of session that failed, with the user's endpoint, models and session.

    The user's session is the one that the server took, mended or without what it refused, else what rtdiag makes of it. None when
    all is well, or where no other request would help: a server without any mint takes none of these, and the run's own, that were
    just refused, are not given again (`exchanges` are all of the run's). The key is taken from where the run's `credential` came.
    """
    checks = tuple(checks)
    if not diagnosis or not target.dialects or not _mended_by_a_request(catalogue.find(diagnosis[0].cause)):
        return None
    if any(NOT_OFFERED in row.finding.observed for o in checks for row in o.rows if f"{o.id}.{row.id}" in _TAKEN):
        return None
    kind, models = _kind(diagnosis[0], target), _living_models(target, checks)
    dialect, session = _session(kind, models[kind], checks, target, on)
    base_url, gone = target.base_url.rstrip("/"), refused(checks, exchanges)
    mint = request(base_url + mint_path(kind, dialect), "application/json", "api-key", session)
    offer = request(offer_url(base_url, kind, dialect, models["realtime"]), "application/sdp", "token", session)
    if {mint, offer} & gone or sessions.model_of(session) in _ended(checks, "fail"):
        return None
    right = corrected(
        base_url, kind, dialect, models["realtime"], models["transcription"], session, _by_key(target, credential)
    )
    unified = request(base_url + CALLS, "multipart/form-data", "api-key", session)
    return replace(right, unified=None) if unified in gone else right


def _by_key(target: Target, credential: CredentialShown) -> str:
    """The header with the key, as that server takes it, and a JWT (RFC 7519) as a bearer; "" where it was asked without one."""
    if credential == CredentialShown():
        return ""
    key = of_shell(credential.source if credential.kind == _SOME_KEY.kind else "")
    name = servers.named(target.recognised_as).key_header
    bearer = name == "authorization" or credential.masked.startswith("eyJ")
    return f'-H "Authorization: Bearer {key}"' if bearer else f'-H "{name}: {key}"'


def _kind(first: Diagnosis, target: Target) -> Kind:
    """The kind of session that failed, where it was one of two; else the user's own."""
    failed = [kind for kind in target.kinds if any(kind in case for case in first.evidence)]
    return failed[0] if len(failed) == 1 else _own_kind(target)


def _own_kind(target: Target) -> Kind:
    return sessions.kind_of(target.session) if target.session else target.kinds[0]


def _session(kind: Kind, model: str, checks: Iterable[Outcome], target: Target, on: date) -> tuple[Dialect, Json]:
    """The dialect, and in it the user's session as the server took it, or as rtdiag mends it; the smallest where there is none."""
    from rtdiag.remedy.repair import repair

    dialect: Dialect = "ga" if "ga" in target.dialects else target.dialects[0]
    if kind != _own_kind(target) or target.session is None:
        return dialect, sessions.session(kind, dialect, model)
    if taken := _taken(checks):
        return sessions.dialect_of(taken), taken
    return dialect, repair(target.session, kind=kind, dialect=dialect, model=model, vad=None, on=on).session


def _living_models(target: Target, checks: Iterable[Outcome]) -> dict[Kind, str]:
    """The models that were asked for, and the default ones in place of those that have ended or soon will."""
    asked: dict[Kind, str] = {"realtime": target.model, "transcription": target.transcription_model}
    ended = _ended(checks, "fail", "warn")
    return {kind: model if model and model not in ended else default(kind) for kind, model in asked.items()}


def _ended(checks: Iterable[Outcome], *statuses: Status) -> frozenset[str]:
    """The models that cases of these statuses say have ended, or end soon."""
    rows = (row for outcome in checks for row in outcome.rows if row.finding.status in statuses)
    return frozenset(str(row.seen.facts.get("model")) for row in rows if {*row.finding.observed} & {ENDED, ENDS_SOON})


def _taken(checks: Iterable[Outcome]) -> Json | None:
    """The session that the server took in place of the user's own, if it was asked for one."""
    facts = [
        row.seen.facts for outcome in checks if outcome.id == "vad" for row in outcome.rows if row.id == "own-culprit"
    ]
    found = next((f.get("mended") or f.get("taken") for f in facts), None)
    return found if isinstance(found, dict) else None


def _mended_by_a_request(cause: catalogue.Cause) -> bool:
    return cause.topic in _MENDED_BY_A_REQUEST or cause.code.startswith("ephemeral-token")

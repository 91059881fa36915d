"""What is wanted of a run, and what it comes to with the environment: pure but for reading the files that were named.

Every problem of the user's input is a ConfigError whose text is one line: what is wrong, and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

from rtdiag import servers
from rtdiag.api.endpoints import KINDS, OFFICIAL_BASE_URL, Dialect, Kind
from rtdiag.api.expressions import expression
from rtdiag.api.sessions import Json
from rtdiag.engine.config_error import ConfigError as ConfigError
from rtdiag.engine.context import RunOptions
from rtdiag.engine.ignoring import Ignore
from rtdiag.engine.results import FailOn
from rtdiag.engine.run_options import AT_ONCE
from rtdiag.intake import Limit, Malformed, Unusable, json_of, odd, text_of, yaml_of
from rtdiag.network import ice_urls
from rtdiag.redact import Mask, Secret
from rtdiag.transport import addresses
from rtdiag.transport.http import Credential
from rtdiag.transport.recorder import Deadlines

if TYPE_CHECKING:
    from rtdiag.browser.serving import Opening

_CREDENTIAL = expression(r"(?i)\b(proxy-)?authorization\b|cookie|passw|secret|(api|access|auth|private|x).?(key|token)")
# Shown in the report when set, because each changes what is asked or how.
_SHOWN_VARIABLES = (
    "OPENAI_BASE_URL",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)

_KEY = "OPENAI_API_KEY"
# RFC 9110 section 5.6.2; and the headers that say what rtdiag itself asks, or how.
_HEADER = expression(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_RTDIAGS_OWN = expression(
    r"authorization|host|user-agent|accept|accept-encoding|content-.*|transfer-encoding|connection|upgrade|te|expect|trailer"
    r"|sec-websocket-.*|proxy-.*|x-client-request-id|openai-beta"
)
_OTHERWISE = {
    "authorization": "it holds the key, which comes from OPENAI_API_KEY, --key-file, or a target's `key`",
    "openai-beta": "a target's `dialect: beta` asks for it",
}
_ICE_USERNAME, _ICE_CREDENTIAL = "RTDIAG_ICE_USERNAME", "RTDIAG_ICE_CREDENTIAL"
_LONGEST_ICE_USERNAME = 508  # bytes
_KEY_FILE = Limit(16 * 1024, "give a file that holds the key alone")
_SESSION_FILE = Limit(1024 * 1024, "give the session object alone")
_MOST_SESSION_VALUES = 10_000

# What may be given more than once, and what must be one of a few.
_LISTS = ("faults", "ice_servers", "only", "skip", "allow", "ignore")
_CHOICES = {
    "type": (*KINDS, "both"),
    "dialect": (None, *get_args(Dialect)),
    "allow": ("wait", "audio"),
    "fail_on": get_args(FailOn),
}
_LEAST_S, _MOST_S = 0.1, 600.0
_MOST_AT_ONCE = 32

_NO_CREDENTIAL = (
    "nothing to ask with: set OPENAI_API_KEY (or --key-file FILE), or RTDIAG_TOKEN to a token that you hold, "
    "or try it without either by --emulator"
)


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is wanted of a run: the options of `rtdiag run`, under their names, and meaning what `rtdiag run --help` says.

    What may stand more than once is a list: `faults`, `ice_servers`, `only`, `skip`, `allow`, `ignore`. `as_of` is a date,
    `timeout_s` are seconds from 0.1 to 600, `at_once` are 1 to 32 requests, `key_file`, `session` and `audio` are names of files.

    `key_variable` is the variable that holds the key, OPENAI_API_KEY where none is named; `keyless`: the server asks for none.
    `headers` are names of headers, each with the variable that holds its value. `profile` is whose server the emulator is, or,
    without it, which of servers.yaml it is that is asked; `dialect` is "ga" or "beta"; `target` is what the user calls it.
    `browser` is what opens the page of the check `browser`: "default", "print", "chromium", "firefox" or a program; it is served
    at `browser_host`, an address of this machine, and waited for `browser_wait_s` seconds where a person opens it.
    """

    emulator: bool = False
    as_of: date | None = None
    faults: Sequence[str] = ()
    base_url: str | None = None
    key_file: str | None = None
    key_variable: str | None = None
    keyless: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    profile: str | None = None
    dialect: Dialect | None = None
    ignore: Sequence[Ignore] = ()
    token_url: str | None = None
    model: str | None = None
    transcription_model: str | None = None
    type: str = "both"
    session: str | None = None
    audio: str | None = None
    ice_servers: Sequence[str] = ()
    relay_only: bool = False
    keep_addresses: bool = False
    timeout_s: float | None = None
    at_once: int = AT_ONCE
    one_at_a_time: bool = False
    only: Sequence[str] = ()
    skip: Sequence[str] = ()
    allow: Sequence[str] = ()
    fail_on: FailOn = "inconclusive"
    browser: str | None = None
    browser_host: str | None = None
    browser_wait_s: float | None = None


@dataclass(frozen=True)
class Settings:
    """What a Config comes to. For the emulator `options` lacks base URL and key until it is started; `opening` is how the page
    of the check `browser` is to be opened, None where that is not wanted.
    """

    options: RunOptions
    mask: Mask
    deadlines: Deadlines = field(default_factory=Deadlines)
    opening: Opening | None = None


def make(config: Config, environment: Mapping[str, str]) -> Settings:
    """The Settings; raises ConfigError. On the emulator the environment's keys, tokens and URLs are not used, only hidden;
    its name and password for TURN servers are.
    """
    _check(config)
    if config.emulator and (config.base_url or config.key_file or config.key_variable or config.keyless):
        raise ConfigError("--emulator brings its own server and key: leave --base-url and --key-file out")
    if not config.emulator and (config.as_of or config.faults):
        raise ConfigError("--as-of and --fault are for the emulator: add --emulator")
    mask = Mask(keep_addresses=config.keep_addresses)
    mask.learn_environment(environment)
    ice_username, ice_credential = _ice_login(environment)
    own_headers = _own_headers(config.headers, environment)
    for name, value in own_headers.items():
        mask.learn_header(name, value.reveal())
    environment = {} if config.emulator else environment
    key, token = _key(config, environment), _token(environment)
    for credential in filter(None, (key, token)):
        mask.learn(credential.secret.reveal())
    for url in (config.base_url, config.token_url, *(environment.get(name) for name in _SHOWN_VARIABLES)):
        mask.learn_url(url or "")
    options = RunOptions(
        base_url=""
        if config.emulator
        else _base_url(config.base_url or environment.get("OPENAI_BASE_URL") or OFFICIAL_BASE_URL),
        api_key=key,
        own_token=token,
        token_url=str(_http_address(config.token_url, "--token-url")) if config.token_url else None,
        realtime_model=config.model,
        transcription_model=config.transcription_model,
        session=session(config.session) if config.session else None,
        ice_servers=tuple(_ice_url(url) for url in config.ice_servers),
        ice_username=ice_username,
        ice_credential=ice_credential,
        relay_only=config.relay_only,
        environment={n: mask(environment[n], "environment") for n in _SHOWN_VARIABLES if environment.get(n)},
        headers={
            header: environment[name]
            for name, header in (("OPENAI_ORG_ID", "openai-organization"), ("OPENAI_PROJECT_ID", "openai-project"))
            if environment.get(name) and not config.key_variable
        },
        own_headers=own_headers,
        profile=None if config.emulator else _profile(config.profile),
        dialect=config.dialect,
        target=config.target,
        ignore=tuple(replace(each, reason=mask(each.reason, "checks.cases")) for each in config.ignore),
        key_variable=None if config.key_file or key is None else config.key_variable or _KEY,
        kinds=_kinds(config.type),
        audio=_audio(config.audio),
        at_once=1 if config.one_at_a_time else config.at_once,
    )
    if options.official and not (key or token or config.token_url):
        raise ConfigError(_NO_CREDENTIAL)
    options = replace(options, keyless=not (config.emulator or key or token or config.token_url))
    _relay_alone(options)
    for credential_of_a_tool in _credentials(options.session):
        mask.learn(credential_of_a_tool, "header")
    return Settings(options, mask, Deadlines.of(config.timeout_s), _opening(config) if config.browser else None)


def _check(config: Config) -> None:
    """Refuse what a program can give, and the command line mostly cannot."""
    for name in _LISTS:
        if isinstance(given := getattr(config, name), str):
            raise ConfigError(f"{name} is a list: give [{given!r}]")
    for name, allowed in _CHOICES.items():
        given = getattr(config, name)
        for one in given if name in _LISTS else (given,):
            if one not in allowed:
                raise ConfigError(f"{name} knows {', '.join(allowed)}, not {one!r}")
    entries: Sequence[object] = config.ignore
    if strange := next((each for each in entries if not isinstance(each, Ignore)), None):
        raise ConfigError(f"ignore takes entries such as Ignore(case, reason, until), not {strange!r}")
    if config.as_of is not None and not isinstance(config.as_of, date):
        raise ConfigError(f"as_of is a date, such as date(2025, 3, 21), not {config.as_of!r}")
    if config.timeout_s is not None and not _LEAST_S <= config.timeout_s <= _MOST_S:  # also what is no number
        raise ConfigError(f"--timeout takes seconds from {_LEAST_S:g} to {_MOST_S:g}, not {config.timeout_s:g}")
    if config.at_once not in range(1, _MOST_AT_ONCE + 1):
        raise ConfigError(f"--at-once takes 1 to {_MOST_AT_ONCE} requests, not {config.at_once!r}")


def _opening(config: Config) -> Opening:
    """How the page is opened, once it is known that it can be."""
    from rtdiag.browser.opening import NoSuchBrowserError, browser
    from rtdiag.browser.serving import Opening

    host = (config.browser_host or "").strip("[] ")
    if config.browser_host is not None and host in ("", "*", "0", "0.0.0.0", "::"):
        raise ConfigError(
            f"--host {config.browser_host}: give the one address by which the other machine reaches this one, such as 192.0.2.7"
        )
    try:
        chosen = Opening(browser(config.browser or ""))
    except NoSuchBrowserError as exc:
        raise ConfigError(f"--browser={exc}") from None
    return replace(chosen, host=host or chosen.host, patience_s=config.browser_wait_s or chosen.patience_s)


def _audio(name: str | None) -> str | None:
    """The user's clip, once it is known that it can be played."""
    if name is not None:
        from rtdiag.speech.clip import ClipError, clip

        try:
            clip(name)
        except ClipError as exc:
            raise ConfigError(f"--audio {exc}") from exc
    return name


def _kinds(name: str) -> tuple[Kind, ...]:
    return tuple(kind for kind in KINDS if name in (kind, "both"))


def _base_url(url: str) -> str:
    address = _http_address(url, "the base URL")
    if address.userinfo:
        raise _unusable("the base URL", url, "a name and a password in it would be sent in place of the key")
    if re.search("[?#]", address.rest):
        raise _unusable("the base URL", url, "it ends before ? and #, since the path of each request is put behind it")
    return str(address).rstrip("/")


def _http_address(url: str, what: str) -> addresses.Address:
    try:
        address = addresses.read(url.strip())
    except addresses.BadAddress as exc:
        raise _unusable(what, url, str(exc)) from None
    if address.scheme not in ("http", "https"):
        raise _unusable(what, url, "it begins with http:// or https://")
    return address


def _unusable(what: str, url: str, why: str) -> ConfigError:
    return ConfigError(f"{what} is not an http(s) URL: {_shown(url)}: {why}; it looks like {OFFICIAL_BASE_URL}")


def _shown(url: str) -> str:
    return repr(addresses.shown(Mask()(url.strip(), "screen")))


def _ice_url(url: str) -> str:
    """The URL in its one spelling, which is also the WebRTC library's."""
    try:
        return str(ice_urls.read(url.strip()))
    except addresses.BadAddress as exc:
        example = "it looks like stun:stun.example.org:3478"
        raise ConfigError(f"--ice-server takes a stun: or turn: URL, not {_shown(url)}: {exc}; {example}") from None


def _ice_login(environment: Mapping[str, str]) -> tuple[str, Secret | None]:
    """Name and password for TURN servers, "" and None where they are not set; on the emulator, too, for it brings no server."""
    given = {name: environment.get(name, "") for name in (_ICE_USERNAME, _ICE_CREDENTIAL)}
    for name, text in given.items():
        if not text and any(given.values()):
            other = next(one for one in given if one != name)
            raise ConfigError(f"{other} is set and {name} is not: a TURN server wants both, so set both or neither")
        if not text.isprintable():
            raise ConfigError(f"{name} holds a line end or another character that cannot be seen: set it without")
    if len(given[_ICE_USERNAME].encode()) > _LONGEST_ICE_USERNAME:
        raise ConfigError(f"{_ICE_USERNAME} is longer than {_LONGEST_ICE_USERNAME} bytes (RFC 8489 section 14.3)")
    return given[_ICE_USERNAME], Secret(given[_ICE_CREDENTIAL]) if given[_ICE_CREDENTIAL] else None


def _relay_alone(options: RunOptions) -> None:
    """Refuse --relay-only where nothing could relay."""
    if not options.relay_only:
        return
    if not any(url.startswith("turn") for url in options.ice_servers):
        raise ConfigError("--relay-only needs a TURN server: add --ice-server turn:turn.example.org:3478")
    if options.ice_credential is None:
        raise ConfigError(
            f"--relay-only needs what the TURN server knows you by: set {_ICE_USERNAME} and {_ICE_CREDENTIAL}"
        )


def _key(config: Config, environment: Mapping[str, str]) -> Credential | None:
    """The API key from a file (one newline at its end is the file's, not the key's) or the environment; None when unset."""
    key_file, named = config.key_file, config.key_variable
    if config.keyless and (key_file or named):
        raise ConfigError("the server asks for no key, so it is said, and one is named: leave one of the two out")
    if config.keyless or config.emulator:
        return None
    if key_file is not None:
        try:
            text = text_of(key_file, _KEY_FILE)
        except Unusable as exc:
            raise ConfigError(f"--key-file {key_file}: {exc}") from None
        return Credential("api-key", Secret(text.removesuffix("\n").removesuffix("\r")), f"--key-file {key_file}")
    key = environment.get(named or _KEY)
    if key is None and named:
        raise ConfigError(f"the variable {named}, where the key is to lie, is not set: set it")
    return None if key is None else Credential("api-key", Secret(key), named or _KEY)


def _profile(name: str | None) -> str | None:
    """The id of a server that is known."""
    if name is not None and name not in (known := servers.every()):
        near = get_close_matches(name, known, n=1)
        raise ConfigError(f"no server is called {name!r}: {f'did you mean {near[0]}?' if near else _either(known)}")
    return name


def _either(names: Iterable[str]) -> str:
    return f"there are {', '.join(names)}"


def _own_headers(named: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, Secret]:
    """The headers by their names in lower case, each with what its variable holds."""
    found = dict[str, Secret]()
    for name, variable in named.items():
        value, lowered = environment.get(variable, "").strip(), name.lower()
        if not _HEADER.fullmatch(name):
            raise ConfigError(f"no header can be called {name!r}: letters, digits and - make a name")
        if _RTDIAGS_OWN.fullmatch(lowered):
            raise ConfigError(f"the header {name} is set by rtdiag itself: {_OTHERWISE.get(lowered, 'leave it out')}")
        if lowered in found:
            raise ConfigError(f"the header {name} is given twice: leave one of the two out")
        if not value:
            raise ConfigError(f"the variable {variable}, where the header {name} is to come from, is not set: set it")
        if not re.fullmatch(r"[\x20-\x7e]+", value):
            raise ConfigError(
                f"{variable} holds a character that no header takes (not printable ASCII): set it without"
            )
        found[lowered] = Secret(value)
    return found


def _token(environment: Mapping[str, str]) -> Credential | None:
    text = environment.get("RTDIAG_TOKEN")
    return Credential("own-token", Secret(text), "RTDIAG_TOKEN") if text else None


def _credentials(session: Any) -> Iterator[str]:
    """What a session hands to the servers of its tools: `authorization`, and the headers that are named like a credential."""
    left = [("", session)]
    while left:
        name, one = left.pop()
        if isinstance(one, Mapping):
            left += [(key if name != "headers" or _CREDENTIAL.search(key) else "", one[key]) for key in one]
        elif isinstance(one, list):
            left += [(name, inner) for inner in one]
        elif isinstance(one, str) and _CREDENTIAL.search(name):
            yield from {one, one.split()[-1] if one.split() else ""}


def session(name: str) -> Json:
    """The user's session object from JSON or YAML; `{"session": {…}}`, as a mint takes it, is unwrapped."""
    try:
        parsed = _parsed(name, text_of(name, _SESSION_FILE))
    except Unusable as exc:
        raise ConfigError(f"--session {name}: {exc}") from None
    if isinstance(parsed, dict) and isinstance(parsed.get("session"), dict):
        parsed = parsed["session"]
    if why := odd(parsed):
        raise ConfigError(f"--session {name}: {why}")
    if not isinstance(parsed, dict) or not parsed:
        raise ConfigError(f'--session {name}: holds no session object; it begins like {{"type": "realtime", …}}')
    return parsed


def _parsed(name: str, text: str) -> Any:
    """By the name or the first character JSON, which is no YAML where an emoji is escaped; else, or where it is none, YAML."""
    named = name.endswith(".json")
    if named or text.lstrip()[:1] == "{":
        try:
            return json_of(text, most_values=_MOST_SESSION_VALUES)
        except Malformed:
            if named:
                raise
    return yaml_of(text, most_values=_MOST_SESSION_VALUES)

"""Browsers with one thing broken, for `rtdiag run --browser=PATH`: small executables that start chromium or Firefox otherwise.

`wrapper(folder, "firefox", "microphone-refused")` writes one. It is started as the browser would be, with flags, a profile and an
address; it takes flags away, adds its own, writes preferences and an extension into that profile, and becomes the browser. What
is broken spares the page that is opened, by the port of its address: on loopback all else is the API.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
import sys
import wave
import zipfile
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

REAL = {"chromium": "chromium", "firefox": "firefox-esr"}
_ADD_ON = "broken@rtdiag.invalid"
_DEAD = "127.0.0.1:9"  # discard: nothing listens there


class Started(NamedTuple):
    """How the browser was to be started: its arguments, the folder of its profile, the origin of the page that it opens."""

    arguments: Sequence[str]
    profile: Path
    origin: str


class Extension(NamedTuple):
    """A web extension: rules of declarativeNetRequest for an origin that it spares, or a script that each page runs first."""

    rules: Callable[[str], list[dict[str, object]]] = lambda origin: []
    script: str = ""


class Broken(NamedTuple):
    """What is otherwise: flags of chromium taken away (by how they begin) and added, preferences of either, an extension for both.

    In a flag or a preference `{host}` (the page's), `{silence}` (a WAV) and `{pac}` (it sends all but the page to a dead proxy) are
    filled in. No preferences at all: Firefox cannot be broken that way.
    """

    without: Sequence[str] = ()
    flags: Sequence[str] = ()
    settings: Mapping[str, int] = {}
    preferences: Mapping[str, bool | int | str] | None = {}
    extension: Extension | None = None


def _block(**condition: object) -> Callable[[str], list[dict[str, object]]]:
    def rules(origin: str) -> list[dict[str, object]]:
        return [{"id": 1, "priority": 1, "action": {"type": "block"}, "condition": condition}]

    return rules


def _only(origin: str) -> list[dict[str, object]]:
    """All is blocked but what that origin serves."""
    own = {"id": 2, "priority": 2, "action": {"type": "allow"}, "condition": {"urlFilter": f"|{origin}/"}}
    return [*_block(urlFilter="*", resourceTypes=_ASKED)(origin), own]


def _policy(origin: str) -> list[dict[str, object]]:
    """Each page gets one more Content-Security-Policy."""
    header = {"header": "content-security-policy", "operation": "append", "value": "connect-src 'self'"}
    action = {"type": "modifyHeaders", "responseHeaders": [header]}
    return [{"id": 1, "action": action, "condition": {"urlFilter": "*", "resourceTypes": ["main_frame"]}}]


# Chromium opens the page that it is given before, after or never, while it loads an extension: so the extension opens it.
_OPENS = """
const [rules, url] = %s;
chrome.declarativeNetRequest.updateSessionRules({ removeRuleIds: rules.map((rule) => rule.id), addRules: rules })
  .then(() => chrome.tabs.create({ url }));
"""

_ASKED = ["xmlhttprequest", "websocket", "ping", "other"]
_NO_WEBRTC = "for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection']) delete globalThis[name];"
_WRAPPED_WEBRTC = """
globalThis.RTCPeerConnection = class RTCPeerConnection extends globalThis.RTCPeerConnection {
  constructor(configuration) { super({ ...configuration, iceTransportPolicy: "relay" }); }
};
"""

# No flag gives it: what chromium says of a microphone that another program holds.
_UNREADABLE = """
navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("Could not start audio source", "NotReadableError"); };
"""

BROKEN = {
    "nothing": Broken(),
    "microphone-refused": Broken(
        without=("--use-fake-ui",),
        settings={"media_stream_mic": 2},
        preferences={"media.navigator.permission.disabled": False, "permissions.default.microphone": 2},
    ),
    "microphone-unanswered": Broken(
        without=("--use-fake-ui",),
        preferences={"media.navigator.permission.disabled": False},
    ),
    "microphone-absent": Broken(
        without=("--use-fake-device",),
        flags=("--disable-audio-input",),
        preferences={"media.navigator.streams.fake": False, "media.audio_loopback_dev": "none"},
    ),
    "microphone-unreadable": Broken(extension=Extension(script=_UNREADABLE)),
    "microphone-silent": Broken(flags=("--use-file-for-fake-audio-capture={silence}",), preferences=None),
    "blocked-by-host": Broken(extension=Extension(_only)),
    "blocked-by-path": Broken(extension=Extension(_block(urlFilter="/realtime/calls"))),
    "blocked-websocket": Broken(extension=Extension(_block(urlFilter="*", resourceTypes=["websocket"]))),
    "policy-added": Broken(extension=Extension(_policy)),
    "webrtc-removed": Broken(extension=Extension(script=_NO_WEBRTC)),
    "webrtc-relay-only": Broken(extension=Extension(script=_WRAPPED_WEBRTC)),
    "webrtc-off": Broken(
        flags=("--webrtc-ip-handling-policy=disable_non_proxied_udp",),
        preferences={"media.peerconnection.enabled": False},
    ),
    "proxy-dead": Broken(
        without=("--no-proxy-server",),
        flags=(f"--proxy-server={_DEAD}", "--proxy-bypass-list=<-loopback>;{host}"),
        preferences={
            "network.proxy.type": 2,
            "network.proxy.autoconfig_url": "{pac}",
            "network.proxy.allow_hijacking_localhost": True,
        },
    ),
    "names-unresolved": Broken(flags=("--host-resolver-rules=MAP {host} {host}, MAP * ~NOTFOUND",), preferences=None),
    "autoplay-refused": Broken(
        without=("--autoplay-policy",),
        flags=("--autoplay-policy=user-gesture-required",),
        preferences={"media.autoplay.default": 5, "media.autoplay.blocking_policy": 2},
    ),
}


def wrapper(folder: Path, browser: str, what: str) -> Path:
    """The executable of that browser in which `what` of BROKEN is broken. Its name begins with the browser's."""
    path = folder / f"{browser}-{what}"
    words = [sys.executable, str(Path(__file__).resolve()), browser, what]
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def altered(browser: str, what: str, arguments: Sequence[str]) -> list[str]:
    """The arguments that the real one gets; what it reads lies in its profile then."""
    if "--version" in arguments:
        return list(arguments)
    started = Started(arguments, _profile(arguments), _origin(arguments))
    broken = BROKEN[what]
    filled = {
        "{host}": urlsplit(started.origin).netloc,
        "{pac}": _pac(started.origin),
        "{silence}": _silence(started.profile),
    }
    if browser == "firefox":
        _firefox(broken, started, filled)
        return list(arguments)
    return _chromium(broken, started, filled)


def _profile(arguments: Sequence[str]) -> Path:
    for before, word in zip(["", *arguments], arguments, strict=False):
        if word.startswith("--user-data-dir="):
            return Path(word.partition("=")[2])
        if before.lstrip("-") == "profile":
            return Path(word)
    raise SystemExit("it is broken in its profile: give --user-data-dir=FOLDER, or --profile FOLDER")


def _is_address(word: str) -> bool:
    return word.startswith("http")


def _address(arguments: Sequence[str]) -> str:
    return next(filter(_is_address, arguments), "")


def _origin(arguments: Sequence[str]) -> str:
    parts = urlsplit(_address(arguments))
    return f"{parts.scheme}://{parts.netloc}"


def _filled(text: str, filled: Mapping[str, str]) -> str:
    for name, value in filled.items():
        text = text.replace(name, value)
    return text


def _pac(origin: str) -> str:
    script = f'function FindProxyForURL(url) {{ return url.startsWith("{origin}/") ? "DIRECT" : "PROXY {_DEAD}"; }}'
    return "data:application/x-ns-proxy-autoconfig;base64," + b64encode(script.encode()).decode()


def _silence(profile: Path) -> str:
    path = profile / "silence.wav"
    with wave.open(str(path), "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(48000)
        written.writeframes(bytes(2 * 48000))
    return str(path)


def _chromium(broken: Broken, started: Started, filled: Mapping[str, str]) -> list[str]:
    if broken.settings:
        path = started.profile / "Default" / "Preferences"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"profile": {"default_content_setting_values": broken.settings}}), encoding="utf-8")
    flags = [_filled(flag, filled) for flag in broken.flags]
    kept = [word for word in started.arguments if not word.startswith(tuple(broken.without) or "\0")]
    if not broken.extension:
        return [*flags, *kept]
    folder = started.profile / "broken"
    folder.mkdir()
    files = _files(broken.extension, started.origin)
    worker = {"background": {"service_worker": "opens.js"}, "permissions": ["declarativeNetRequest", "tabs"]}
    files["manifest.json"] = json.dumps(json.loads(files["manifest.json"]) | worker)
    files["opens.js"] = _OPENS % json.dumps([broken.extension.rules(started.origin), _address(started.arguments)])
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [*flags, f"--load-extension={folder}", *(word for word in kept if not _is_address(word))]


def _firefox(broken: Broken, started: Started, filled: Mapping[str, str]) -> None:
    if broken.preferences is None:
        raise SystemExit("Firefox cannot be broken that way")
    preferences = dict(broken.preferences)
    if broken.extension:
        (started.profile / "extensions").mkdir(exist_ok=True)
        with zipfile.ZipFile(started.profile / "extensions" / f"{_ADD_ON}.xpi", "w") as packed:
            for name, text in _files(broken.extension, started.origin).items():
                packed.writestr(name, text)
        preferences |= {"xpinstall.signatures.required": False, "extensions.autoDisableScopes": 0}
    lines = [
        f"user_pref({json.dumps(name)}, {json.dumps(_filled(value, filled) if isinstance(value, str) else value)});\n"
        for name, value in preferences.items()
    ]
    with (started.profile / "user.js").open("a", encoding="utf-8") as written:
        written.writelines(["\n", *lines])


def _files(extension: Extension, origin: str) -> dict[str, str]:
    """What an unpacked extension is made of, by name."""
    manifest: dict[str, object] = {
        "manifest_version": 3,
        "name": "Broken on purpose",
        "version": "1",
        "permissions": ["declarativeNetRequest"],
        "host_permissions": ["<all_urls>"],
        "browser_specific_settings": {"gecko": {"id": _ADD_ON}},
        "declarative_net_request": {"rule_resources": [{"id": "rules", "enabled": True, "path": "rules.json"}]},
    }
    if extension.script:
        manifest["content_scripts"] = [
            {"matches": ["<all_urls>"], "js": ["first.js"], "run_at": "document_start", "world": "MAIN"}
        ]
    files = {"manifest.json": manifest, "rules.json": extension.rules(origin)}
    return {name: json.dumps(value) for name, value in files.items()} | {"first.js": extension.script}


if __name__ == "__main__":
    _, browser, what, *arguments = sys.argv
    real = REAL[browser]
    os.execvp(real, [real, *altered(browser, what, arguments)])

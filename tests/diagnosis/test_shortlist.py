"""What is ranked where nothing is firm: words about a status or an event, and failures whose own signs are left out."""

from __future__ import annotations

import pytest

from rtdiag.diagnosis import catalogue, matching, named_codes, shortlist
from rtdiag.diagnosis.features import features
from rtdiag.diagnosis.situation import Situation
from tests.diagnosis.count_reports import named
from tests.diagnosis.example import examples

LEAST_WITHOUT_SIGNS = 0.9


def listed(*texts: str) -> list[str]:
    return [cause.code for cause in shortlist.shortlist([Situation(text) for text in texts])]


@pytest.mark.parametrize(
    ("text", "among", "asks"),
    [
        ("my ephemeral token gives 401 on /realtime/calls", "ephemeral-token-expired", "Which credential was sent"),
        ("401 Unauthorized", "key-wrong-or-revoked", "Which credential was sent"),
        ("HTTP 401", "key-wrong-or-revoked", "Which credential was sent"),
        ("i always get a 404 for my offer", "url-not-known-here", "Which method and URL"),
        ("session.update does nothing", "session-update-unanswered", "Did session.updated or error come"),
        ("semantic_vad is not working", "semantic-vad-not-accepted", "Which model"),
        ("it only says server_error", "generic-server-error", "Which event was sent last"),
        ("the socket closes with 1008", "websocket-closed-by-policy", "What does the reason say"),
        ("after response.done there is silence", "no-audio-response", "What do status and status_details say"),
    ],
)
def test_words_get_a_ranked_list_and_the_question_that_decides(text: str, among: str, asks: str) -> None:
    causes = shortlist.shortlist([Situation(text)])
    assert among in {cause.code for cause in causes}
    assert len(causes) <= shortlist.MOST
    assert shortlist.question([Situation(text)], causes).startswith(asks)


def test_what_says_nothing_gets_no_list() -> None:
    assert listed("something is odd here") == []
    assert listed() == []
    assert shortlist.question([Situation("something is odd here")], ()) == ""


def test_what_a_sign_speaks_for_comes_first() -> None:
    assert listed("Your session hit the maximum duration of 60 minutes.")[0] == "session-duration-cap"
    assert (
        "session-duration-cap" in listed("401 Unauthorized", "Your session hit the maximum duration of 60 minutes.")[:2]
    )


def test_without_any_sign_for_its_text_the_cause_is_still_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """So are failures that no sign was made for, in words that nobody here has read."""
    monkeypatch.setattr(matching, "ranked", lambda *_: [])
    told = [one for one in examples("body", "printed", "said") if named(one)]
    found = [any(c.family == one.family for c in shortlist.shortlist([one.situation])) for one in told]
    assert len(found) > 200
    assert sum(found) / len(found) >= LEAST_WITHOUT_SIGNS


def test_behind_a_code_stand_all_whose_signs_name_it_and_no_others_the_commonest_first() -> None:
    assert catalogue.find("rate-limit") in named_codes.behind("rate_limit_exceeded", "error code")
    found = named_codes.behind("401", "HTTP status", ["sip-invite-refused", "a-cause-of-another-package"])
    assert {"key-wrong-or-revoked", "no-credential-sent", "sip-invite-refused"} <= {cause.code for cause in found}
    assert [cause.reports for cause in found] == sorted((cause.reports for cause in found), reverse=True)
    assert catalogue.find("sdp-content-type") not in found, "its sign takes any 4xx"
    strangers = {
        "unsupported_country_region_territory": "vad-unknown-field",
        "item_truncate_invalid_item_id": "mint-ttl-field-unknown",
    }
    for code, stranger in strangers.items():
        assert catalogue.find(stranger) not in named_codes.behind(code, "error code"), "its sign takes nearly any"
    assert catalogue.find("sdp-content-type") in named_codes.behind("4xx", "HTTP status")


def test_the_nearest_code_is_asked_about_first() -> None:
    told = [features(Situation('{"error": {"code": "invalid_model", "type": "invalid_request_error"}}', status=400))]
    assert named_codes.named(told)[:2] == ["invalid_model", "400"]

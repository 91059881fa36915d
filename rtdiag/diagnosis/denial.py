"""What a person says is not the trouble: "there is no CORS error", "my token is not expired", "the key is valid".

A sentence is looked at clause by clause, in English; other languages have English beside them (lexicon/glosses.py). A symptom
that is told with a negation ("session.update does nothing", "no audio", "not found") denies nothing, for it names no trouble.
"""

from __future__ import annotations

import re

from rtdiag.api.expressions import expression

_LONGEST = 400  # characters of a clause that are looked at
_NEAR = r"(?:[\w.'-]{1,30} ){0,4}?"  # up to four words between

# Names of troubles, and words that say that something is in one.
_TROUBLES = (
    r"(?:errors?|problems?|issues?|failures?|faults?|cors|prox(?:y|ies)|vpn|firewall|time-?outs?|typos?|crash\w{0,4}|throttling"
    r"|rate.?limit\w{0,4}|[45]\d\d)\b"
)
_THING = (
    r"(?:errors?|problems?|issues?|failures?|faults?|expired?|expiry|invalid|revoked|wrong|incorrect|missing|block(?:ed|ing)?"
    r"|limit(?:s|ed|ing)?|quota|cors|prox(?:y|ies)|vpn|firewall|time-?outs?|timed out|cert(?:ificate)?s?|ssl|tls|dns|refused|denied"
    r"|rejected|retired|deprecated|typos?|exhausted|placeholders?|undefined|null|empty|unreachable|crash\w{0,4}|throttl\w{0,4}|billing"
    r"|rate.?limit\w{0,4}|[45]\d\d|1[01]\d\d|(?:invalid|incorrect|unknown|missing|err)_\w{1,40}"
    r"|\w{1,40}_(?:error|exceeded|expired|failed|not_found|disabled|quota|mismatch)"
    r"|e(?:notfound|conn\w{1,12}|timedout|ai_again|pipe|hostunreach))\b"
)
_GOOD = (
    r"(?:fine|ok|okay|valid|correct|active|good|alright|healthy|enabled|on|in order|up to date"
    r"|sufficient|plenty)"
)
_MET = r"(?:get|see|have|receive|hit|find|encounter|think|believe)"

_CLAUSE = expression(r"([.,:;!?]\s|\s(?:but|and|though|however|yet)\s)", re.I)
# From where on a clause denies; the part before it stays.
_DENIES = expression(
    rf"(?:\bthere (?:is|are|was|were) |\bi (?:see|get|have|had) |\bwith |\bha(?:s|ve|d) )?"
    rf"\b(?:no|zero|without(?: any)?) {_NEAR}{_TROUBLES}"
    rf"|\b(?:is|are|was|were|has|have|had|be|been|being|get|got)(?:n.?t| not| never) (?!found\b){_NEAR}{_THING}"
    rf"|\A\W{{0,4}}(?:it.?s |this is |that.?s )?not {_NEAR}{_THING}"
    rf"|\bno longer {_NEAR}(?:{_MET}|fail\w{{0,4}}|show\w{{0,4}}|expir\w{{0,4}}|{_THING})"
    r"|\bnothing (?:\w{1,20} )?(?:failed|fails|is wrong|wrong|broken|expired|blocked|timed out)\b"
    r"|\b(?:am|.m|is|are|.re|was|were) not (?:using|behind|on|running|going through|in)\b",
    re.I,
)
# A whole clause: what is in order, what was mended.
_IN_ORDER = expression(
    rf"\b(?:is|are|was|were|looks?|seems?|(?:goes|went|gets|got|comes) to) "
    rf"(?:all |perfectly |definitely |completely |still )?{_GOOD}\b"
    r"(?! (?:to|for|but|until|the)\b)"
    r"|\bruled (?:it )?out\b|\balready (?:fixed|solved|resolved)\b|\b(?:was|is) fixed\b|\bwent away\b|\bis gone now\b",
    re.I,
)
_NOT_MET = expression(
    rf"\b(?:do|does|did|can|could)(?:n.?t| not) (?:[\w'-]{{1,20}} ){{0,2}}?{_MET}\b(?! (?:why|what|how|that)\b)", re.I
)
_ANY_MORE = expression(r"\bany ?more\W{0,4}\Z", re.I)
_NEGATION = expression(r"\b(?:not|never)\b|n['’]t\b", re.I)
_A_THING = expression(rf"\b{_THING}", re.I)


def undenied(sentence: str) -> str:
    """A sentence without what it says is not so, or is in order."""
    kept = [part if n % 2 else _undenied_clause(part) for n, part in enumerate(_CLAUSE.split(sentence))]
    return re.sub(r"\s{2,}", " ", "".join(kept)).strip()


def denies(sentence: str) -> bool:
    """Whether something in it is said not to be so, or to be in order."""
    return any(_undenied_clause(part) != part for part in _CLAUSE.split(sentence)[::2])


def _undenied_clause(clause: str) -> str:
    near = clause[:_LONGEST]
    if _IN_ORDER.search(near):
        return ""
    if _ANY_MORE.search(clause) and _NEGATION.search(near) and _A_THING.search(near):
        return ""
    if (met := _NOT_MET.search(near)) and _A_THING.search(near, met.end()):
        return clause[: met.start()]
    found = _DENIES.search(near)
    return clause[: found.start()] if found else clause

"""A check that asks a page what the stub of tests/browser/stub_page answers, in place of the one that asks for real."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from rtdiag import Case, Check, Context, Evidence, Finding, Observation


async def probe(ctx: Context) -> AsyncIterator[Observation]:
    async def token(case: str) -> Mapping[str, Any] | str:
        found = await ctx.fresh_token("realtime")
        return {"value": found.secret.reveal(), "expires_at": 1} if found else "none was minted"

    page = ctx.options.page
    assert page
    asked = await page.ask({"cases": ["secure", "answer"], "with_token": ["answer"]}, token)
    answers = asked.account.answers if asked.account else {}
    facts = {case: answer.facts for case, answer in answers.items()}
    tabs = {"refused": asked.tabs.refused, "ended": asked.tabs.ended, "console": list(asked.tabs.console)}
    where = asked.account.page if asked.account else ""
    yield Observation("told", facts={"why": asked.why, "answers": facts, "tabs": tabs, "page": where})


def judge(evidence: Evidence) -> Iterator[Finding]:
    for case, seen in evidence.seen.items():
        why = str(seen.facts["why"])
        yield Finding(case, "inconclusive" if why else "pass", why or "told", "told")


CHECK = Check(
    id="asks",
    title="Does a page tell?",
    cases=(Case("told", "does the page tell?", allow="browser"),),
    probe=probe,
    judge=judge,
    order=5,
)

// Does what rtdiag's page does, by hand: comes, asks for the plan, for a token by each case, tells, and shows the result.
"use strict";

const tab = sessionStorage.tab ?? (sessionStorage.tab = crypto.randomUUID());
const headers = { "X-Rtdiag-Tab": tab };
const show = (text) => (document.querySelector("#state").textContent = text);

async function asked(path, body) {
  const answer = await fetch(path, body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, json: text.trim() ? JSON.parse(text) : null };
}

async function ask(plan) {
  const account = { rtdiag_account: 1, epoch_ms: Date.now(), page: location.href, agent: navigator.userAgent, answers: {} };
  await asked("tell", account);
  for (const one of plan.cases) {
    const token = plan.with_token?.includes(one) ? await asked("token", { case: one }) : null;
    account.answers[one] = { facts: { token: token?.status ?? null, why: token?.json?.why ?? "" } };
    if (plan.reload_at === one && !sessionStorage.reloaded) {
      sessionStorage.reloaded = "yes";
      location.reload();
      return;
    }
    if (plan.stay_at === one) return show("stays");
  }
  if (plan.blocked_url) await fetch(plan.blocked_url).catch((error) => (account.answers.blocked = { facts: { said: String(error) } }));
  await asked("tell", { ...account, done: true });
  show("told");
}

async function main() {
  const alive = await fetch("alive", { headers });
  if (alive.status === 409) return show("another tab has this run");
  const { status, json: plan } = await asked("plan");
  if (status !== 200) return show(plan.why);
  show("ready");
  if (plan.auto) await ask(plan);
  else document.querySelector("#start").onclick = () => ask(plan);
  const result = await asked("result");
  if (result.status === 200) show(result.json.verdict);
}

main();

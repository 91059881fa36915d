/* What a person sees of the run: what it will do, how far it is, what came of it. The words stand in index.html.

   It speaks with rtdiag over loopback and hands questions.js what it needs; what that did is written down by watch.js. Its own
   calls go by the browser's fetch as it was before watch.js wrapped it, so none of them gets into the account. */

import { differences } from "./offers.js";

// What a page sees is no verdict: its marks answer what stands beside them; that of the result is rtdiag's, in its own words.
const SEEN = { waiting: ["·", "not yet"], asks: ["…", "asking"], yes: ["✓", "yes"], no: ["✗", "no"], unclear: ["?", "unclear"],
  cut: ["?", "cut off"], unasked: ["-", "not asked"] };
const OVERALL = {
  pass: ["✓", "all is well"], warn: ["!", "well, with warnings"], fail: ["✗", "something is wrong"], error: ["E", "a check broke"],
  inconclusive: ["?", "not all could be tested"], info: ["i", "nothing was proven"], skip: ["-", "nothing was asked"],
};
const LOOKS = { pass: "yes", fail: "no", warn: "no" };
const fetch = globalThis.fetch.bind(globalThis);
const $ = (id) => document.getElementById(id);

/* The id of this tab and how far it is. They lie in the storage between two loads alone: a tab that was duplicated meanwhile
   finds nothing there, and is another tab. */
const tab = kept() ?? { id: crypto.getRandomValues(new Uint32Array(4)).join("-"), at: "" };
addEventListener("pagehide", () => sessionStorage.setItem(location.pathname, JSON.stringify(tab)));

function kept() {
  try {
    const left = sessionStorage.getItem(location.pathname);
    sessionStorage.removeItem(location.pathname);
    return JSON.parse(left);
  } catch {
    return null; // a browser that keeps nothing: a reload is then another tab
  }
}

async function call(path, told) {
  const posted = told === undefined ? {} : { method: "POST", body: JSON.stringify(told) };
  const headers = { "X-Rtdiag-Tab": tab.id, ...(told === undefined ? {} : { "Content-Type": "application/json" }) };
  const response = await fetch(path, { ...posted, headers, cache: "no-store" });
  const text = await response.text();
  if (!response.ok) throw Object.assign(new Error(why(text)), { status: response.status });
  return text && JSON.parse(text);
}

function why(text) {
  try {
    return JSON.parse(text).why ?? text;
  } catch {
    return text;
  }
}

const say = (text) => { $("said").textContent = text; };

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const mark = (kind, [sign, words]) =>
  element("span", { class: `status ${kind}` }, element("span", { class: "sign", "aria-hidden": "true" }, sign), ` ${words}`);

const lasted = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

function show(id) {
  $(id).hidden = false;
  $(`${id}-title`).focus();
  $(id).scrollIntoView({ block: "start" });
}

/* The list of the cases, in their groups. They run at the same time and are over in seconds: only whole groups are said. */
class Cases {
  constructor(asked) {
    this.rows = new Map();
    for (const row of document.querySelectorAll("[data-case]")) {
      row.hidden = !asked.includes(row.dataset.case);
      if (row.hidden) continue;
      row.firstChild.replaceWith(element("span", {}, row.firstChild.data.trim()));
      row.firstElementChild.after(mark("waiting", SEEN.waiting), element("span", { class: "took" }));
      this.rows.set(row.dataset.case, { row, seen: "waiting", at: 0 });
    }
    $("progress").max = this.rows.size;
  }

  began(name) {
    if (this.rows.has(name)) this.rows.get(name).at = performance.now();
    this.#see(name, "asks");
  }

  ended(name, status, words) {
    if (!this.rows.has(name)) return;
    const { row, at } = this.rows.get(name);
    row.querySelector(".took").textContent = lasted(performance.now() - at);
    if (words && (status !== "pass" || "words" in row.dataset)) row.append(element("p", { class: "quiet" }, words));
    this.#see(name, LOOKS[status] ?? "unclear");
    $("progress").value = this.#count((seen) => !["waiting", "asks"].includes(seen));
    this.#sayGroup(row.closest("section"));
  }

  /* What was not asked, as it came to nothing once one before it failed. */
  close() {
    const ends = { waiting: "unasked", asks: "cut" };
    for (const [name, { seen }] of this.rows) if (ends[seen]) this.#see(name, ends[seen]);
    $("progress").hidden = true;
  }

  #see(name, seen) {
    const case_ = this.rows.get(name);
    if (!case_) return;
    case_.seen = seen;
    case_.row.dataset.seen = seen;
    case_.row.querySelector(".status").replaceWith(mark(seen, SEEN[seen]));
  }

  #count(wanted, group = document) {
    return [...this.rows.values()].filter(({ row, seen }) => group.contains(row) && wanted(seen)).length;
  }

  #sayGroup(group) {
    if (this.#count((seen) => seen === "waiting" || seen === "asks", group)) return;
    const counts = ["yes", "no", "unclear"].map((wanted) => [this.#count((seen) => seen === wanted, group), wanted]);
    const told = counts.filter(([count]) => count).map(([count, seen]) => `${count} ${seen}`);
    say(`${group.querySelector("h3").textContent}: ${told.join(", ")}.`);
  }
}

/* Tells what was seen so far. Of those that wait for their turn only the newest goes. Where rtdiag takes it no more, `result` says
   why. A page that is left breaks off its own requests: what it sees of that is not told. */
let telling = Promise.resolve();
let newest = null;
let left = false;
for (const leaving of ["beforeunload", "pagehide"]) addEventListener(leaving, () => { left = true; });
function tell(account) {
  if (left) return telling;
  if (!newest) telling = telling.then(tellNewest).catch(() => {});
  newest = account;
  return telling;
}

function tellNewest() {
  const told = newest;
  newest = null;
  return call("tell", told);
}

function done() {
  if (left || over) return;
  tab.at = "done";
  say("All is asked. rtdiag reads what came of it …");
}

let cases = null;

async function start(plan) {
  tab.at = "begun";
  for (const id of ["waiting", "before", "reloaded"]) $(id).hidden = true;
  show("asking");
  cases = new Cases(plan.cases);
  try {
    await watch();
    const { ask } = await import("./questions.js");
    const account = await ask(plan, {
      token: (name) => call("token", { case: name }).catch((error) => ({ why: error.message })),
      began: (name) => cases.began(name),
      ended: (name, status, words, account) => {
        cases.ended(name, status, words);
        tell(account);
      },
      say,
    });
    await tell({ ...account, done: true });
    done();
  } catch (error) {
    $("why").textContent = String(error);
    show("broken");
    if (globalThis.rtdiagWatch) tell({ ...rtdiagWatch.account(), done: true });
  }
  cases.close();
}

const watch = () =>
  new Promise((resolve, reject) => {
    const script = element("script", { src: "watch.js" });
    script.onload = resolve;
    script.onerror = () => reject(new Error("watch.js was not loaded: an extension may have stopped it"));
    document.head.append(script);
  });

let over = false;

/* The last that this page shows: the result, or why there will be none. */
function last(id, words, title = words) {
  over = true;
  cases?.close();
  for (const earlier of ["waiting", "before", "reloaded"]) $(earlier).hidden = true;
  show(id);
  say(words);
  document.title = `${title}: rtdiag`;
}

const gone = () => over || last("gone", "rtdiag has ended.");
const taken = () => last("taken", "Another tab has this run.");

function finish({ status, verdict, causes, shown, two_ways, markdown }) {
  const [sign, words] = OVERALL[status];
  const works = tab.at === "done" && !causes.length && ["pass", "warn"].includes(status) && $("emulator").hidden;
  $("verdict").replaceChildren(mark(status, [sign, causes.length ? words : verdict.replace(/^[A-Z ]+ (?=[a-z])/, "")]));
  $("causes").replaceChildren(...causes.flatMap(cause));
  $("works").hidden = !works;
  $("two-ways").hidden = !two_ways.length;
  $("shown").textContent = shown.charAt(0).toUpperCase() + shown.slice(1);
  $("two-ways").querySelector("tbody").replaceChildren(...two_ways.map(row));
  $("by-line").hidden = true; // nobody listens to it any more
  $("own").querySelector("details").open = works;
  $("copy-report").onclick = copier($("copy-report"), "The report", () => markdown);
  last("result", `The result is there: ${words}.`, `${sign} ${words}`);
}

function cause({ cause, confidence, summary, fix, line, seen_in: cases }) {
  const lines = line ? [element("pre", { class: "line", tabindex: "0", "aria-label": "The line to change" }, line)] : [];
  return [
    element("h3", {}, summary),
    element("p", { class: "quiet" }, element("code", {}, cause), ` (${confidence} confidence), seen in ${cases.slice(0, 4).join(", ")}`),
    element("div", { class: "fix" }, element("p", {}, element("b", {}, "What to do: "), fix), ...lines),
  ];
}

const row = ({ phase, command_line, browser }) =>
  element("tr", {}, element("th", { scope: "row" }, phase), element("td", {}, command_line), element("td", {}, browser));

/* Copies the text and says so, on the button too; where the browser has no clipboard for the page, by way of a selection. */
function copier(button, name, text) {
  return async () => {
    const copied = await write(await text());
    button.textContent = copied ? "Copied ✓" : "Copy it by hand";
    say(copied ? `${name} is copied.` : `${name} could not be copied by this browser: it stands below, select it and copy it.`);
  };
}

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", { readonly: "", "aria-label": "What is to be copied" });
    area.value = text;
    document.querySelector("main").append(area);
    area.select();
    const copied = document.execCommand("copy");
    if (copied) area.remove();
    return copied;
  }
}

/* What the offer of the user's own app lacks, beside the one that this page has posted. */
function compareOffers() {
  const asked = globalThis.rtdiagWatch?.account().requests ?? [];
  const posted = asked.filter(({ body }) => /^v=0[^]*^m=audio/m.test(body ?? ""));
  const found = differences($("offer").value, posted.at(-1)?.body ?? "");
  const none = posted.length ? "Nothing that matters differs from this page’s offer." : "Nothing is wrong with it as far as it shows.";
  $("differences").replaceChildren(...(found.length ? found : [none]).map((text) => element("li", {}, text)));
  say(found.length ? `${found.length} found in the offer.` : none);
}

async function main() {
  history.scrollRestoration = "manual";
  const code = fetch("watch.js").then((response) => response.text());
  const pressed = new Promise((press) => { $("start").onclick = press; });
  $("rtdiag").textContent = location.host;
  $("copy-code").onclick = copier($("copy-code"), "The code", () => code);
  $("compare").onclick = compareOffers;
  call("alive").catch((error) => error.status === 409 && taken()); // open as long as the tab is: rtdiag sees it close
  call("result").then(finish, (error) => error.status !== 409 && gone());
  if (tab.at === "done") return wait();
  $("reloaded").hidden = tab.at !== "begun";
  $("before").hidden = false;
  $("start").focus({ preventScroll: true });
  let plan = null;
  pressed.then(() => plan || over || wait());
  plan = await call("plan").catch((error) => (error.status === 409 ? taken() : gone()));
  if (!plan || over) return undefined;
  introduce(plan);
  if (!plan.auto) await pressed;
  return over || start(plan);
}

function wait() {
  $("before").hidden = true;
  show("waiting");
  say("rtdiag is at work.");
}

function introduce(plan) {
  $("listens").hidden = !isSecureContext;
  $("deaf").hidden = isSecureContext;
  if (!isSecureContext) document.querySelector("[data-case=microphone] .hint").remove();
  $("server").textContent = plan.server;
  $("emulator").hidden = !plan.emulator;
  $("own").hidden = !plan.watch_line;
  $("watch-line").textContent = plan.watch_line;
  $("copy-line").onclick = copier($("copy-line"), "The line", () => plan.watch_line);
}

main();

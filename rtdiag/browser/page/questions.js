/**
 * What rtdiag's page asks, as an ordinary app in a browser would: every case of the plan by itself, with a deadline of its own.
 *
 * Nothing that fails ends the rest. What crossed the wire is in watch.js's account; a case has the ids of its part of that, and
 * facts: what was measured, in words and numbers. What they mean is not said here. Everything that was opened is closed at the end.
 */

const SDP = "application/sdp";
const LISTEN_S = 0.3; // of sound; and on up to SILENT_S, while nothing is heard: chromium's made-up microphone beeps once a second
const SILENT_S = 1.5;
const MOST_MS = 5000; // however little comes in it
const HEARD = 1e-4; // of full scale; what a microphone gives that is not shut off
const SPOKEN = 1e-5; // totalAudioEnergy: 0.1 s at -40 dB below full scale
const LOOK_MS = 50;
// What a browser does to a microphone's sound may make silence of a quiet room, and noise of silence.
const AS_IT_IS = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const FREE_MS = [300, 700, 1500]; // until a server has let go of a session that has ended

const LOOKS = new Map([[true, "pass"], [false, "fail"], [null, "inconclusive"]]); // or any other status, by its name

/**
 * The account of all that was asked, with `answers` by case. Of `screen`, `token(case)` comes to `{value}` or refuses, `began(case)`,
 * `ended(case, status, words, account so far)` and `say(text)` tell a person.
 */
export async function ask(plan, screen) {
  const asking = new Asking(plan, screen);
  await Promise.allSettled(asking.all());
  await asking.one("blocked", blocked);
  await within(globalThis.rtdiagWatch.settle(), 1000).catch(() => {});
  await asking.close();
  return { ...asking.account(), done: true };
}

class Asking {
  constructor(plan, screen) {
    this.plan = plan;
    this.waits = { request: 15000, ice: 20000, channel: 5000, event: 5000, sound: 8000, ...plan.waits_ms };
    this.waits.dtls ??= this.waits.channel;
    this.waits.microphone ??= plan.auto ? 5000 : 30000;
    this.screen = screen;
    this.answers = {};
    this.opened = [];
    this.socketIsOver = new Promise((over) => (this.socketEnds = over)); // whether it had a session
  }

  /** Everything that need not wait for anything else, begun at once. */
  all() {
    const { made_up_token: token, invalid_offer: offer, calls_url: calls, mint_url: mint, model } = this.plan;
    const sdp = (headers) => [calls, token, { "Content-Type": SDP, ...headers }, offer];
    const posts = (id, asked, looks) => this.one(id, (case_) => this.posted(case_, ...asked, looks));
    const json = { "Content-Type": "application/json" };
    const microphone = this.wants("microphone") ? opened(this) : Promise.resolve(null);
    const socket = this.one("websocket", (case_) => this.socket(case_));
    return [
      this.one("secure", secure),
      this.one("microphone", (case_) => heard(case_, microphone)),
      this.session(microphone.catch(() => null), socket),
      socket,
      this.one("reached", (case_) => this.reached(case_)),
      this.one("same-path", (case_) => this.samePath(case_)),
      this.one("cors-offer", (case_) => this.offer(case_, ...sdp())),
      posts("cors-agents", sdp({ "X-OpenAI-Agents-SDK": "openai-agents-sdk.0.20.0" }), "warn"),
      posts("cors-beta", sdp({ "OpenAI-Beta": "realtime=v1" }), "warn"),
      posts("cors-client", sdp({ "OpenAI-Safety-Identifier": "rtdiag", "X-Client-Request-Id": `rtdiag-${unique()}` }), "warn"),
      posts("cors-mint", [mint, token, json, JSON.stringify({ session: { type: "realtime", model } })], "info"),
    ];
  }

  wants(id) {
    return this.plan.cases.includes(id);
  }

  account() {
    return { ...globalThis.rtdiagWatch.account(), answers: this.answers };
  }

  /**
   * Asks one case and keeps its answer. `question(case)` gives a first word for the screen, how that looks (see LOOKS), and what the
   * next question needs, which is what comes back. A case that the plan leaves out is asked where others
   * rest on it (`needed`), and then stands nowhere.
   */
  async one(id, question, needed = false) {
    if (!this.wants(id) && !needed) return undefined;
    const shown = this.wants(id) ? this.screen : {};
    const asked = new Case();
    let told;
    shown.began?.(id);
    try {
      told = await question(asked);
    } catch (error) {
      asked.facts.error = said(error);
      told = [said(error), false];
    }
    asked.heard();
    if (this.wants(id)) this.answers[id] = asked;
    shown.ended?.(id, LOOKS.get(told[1]) ?? told[1], told[0], this.account());
    return told[2];
  }

  /** A token for that case: {value}, or {why} there is none. */
  async token(id) {
    try {
      const token = await within(this.screen.token(id), this.waits.request);
      return token?.value ? token : { why: token?.why ?? "none was given" };
    } catch (error) {
      return { why: parsed(error?.message).why ?? said(error) };
    }
  }

  async close() {
    for (const shut of this.opened.reverse()) {
      try {
        await shut();
      } catch {
        // it is shut already
      }
    }
  }

  async fetched(case_, url, options) {
    const began = performance.now();
    const signal = AbortSignal.timeout?.(this.waits.request); // of 2022; what is older has no end but ours
    try {
      return await within(case_.noting(() => fetch(url, { ...options, signal })), this.waits.request + 500);
    } finally {
      case_.facts.took_ms ??= since(began);
    }
  }

  /** Whether a request gets there at all: the answer to this one is hidden from every page, whatever the server allows. */
  async reached(case_) {
    const answer = await this.fetched(case_, `${this.plan.base_url}/models`, { mode: "no-cors" });
    case_.facts.opaque = answer.type === "opaque";
    return ["the server is reached", true];
  }

  /** The path of the API at rtdiag's own server: whoever forbids this goes by the path. Any answer will do. */
  async samePath(case_) {
    const url = new URL(`.${new URL(this.plan.calls_url).pathname}`, location.href);
    case_.facts.got = null;
    case_.facts.got = (await this.fetched(case_, url, { method: "POST", headers: { "Content-Type": SDP }, body: "v=0" })).status;
    return ["nothing here forbids the path", true];
  }

  /** A request that is refused, and whether the page may read that. */
  async posted(case_, url, token, headers, body, otherwise = false) {
    const { facts } = case_;
    try {
      const answer = await this.fetched(case_, url, { method: "POST", headers: { Authorization: `Bearer ${token}`, ...headers }, body });
      facts.status = answer.status;
      await answer.text();
      return [`answered with ${answer.status}`, true];
    } catch (error) {
      facts.error = said(error);
      facts.late = isLate(error);
    }
    return [facts.error, otherwise];
  }

  /** The same of an offer. Where the page may not read it, an offer for which no browser asks first tells which half of CORS is shut. */
  async offer(case_, ...asked) {
    const told = await this.posted(case_, ...asked);
    const answered = (answer) => answer.status;
    if (told[1] === true) return told;
    case_.facts.simple = await this.fetched(case_, asked[0], { method: "POST", body: "v=0" }).then(answered, said);
    case_.requests.reverse(); // the last is what the case is about
    return told;
  }

  async socket(case_) {
    const { facts } = case_;
    const token = await this.token("websocket");
    if (!token.value) return noToken(facts, token.why);
    const { socket_url: url, subprotocol = "openai-insecure-api-key.", socket_protocols: beside = [] } = this.plan;
    const socket = case_.noting(() => new WebSocket(url, ["realtime", `${subprotocol}${token.value}`, ...beside]));
    this.opened.push(() => socket.close(1000));
    const began = performance.now();
    let event;
    Object.assign(facts, { opened: false, ours: false });
    socket.addEventListener("open", () => Object.assign(facts, { opened: true, opened_ms: since(began) }));
    socket.addEventListener("message", ({ data }) => (event ??= parsed(data)));
    socket.addEventListener("close", ({ code, reason, wasClean }) => Object.assign(facts, { code, reason, clean: wasClean }));
    const over = () => event || socket.readyState === WebSocket.CLOSED;
    await until(() => facts.opened || over(), [[socket, "open"], [socket, "close"]], this.waits.request);
    if (facts.opened) await until(over, [[socket, "message"], [socket, "close"]], this.waits.event);
    Object.assign(facts, { first: event?.type ?? null, took_ms: since(began), late: !over() });
    const closed = (ms) => until(() => socket.readyState === WebSocket.CLOSED, [[socket, "close"]], ms);
    if (event?.type === "error") await closed(1000); // it is for the server to close then
    facts.ours = socket.readyState <= WebSocket.OPEN;
    if (facts.ours) socket.close(1000);
    this.socketEnds(Boolean(event));
    await closed(1000);
    return [event?.type ?? (facts.late ? "no event came" : `closed with ${facts.code}`), event?.type === "session.created"];
  }

  /** One session over WebRTC, phase by phase; the first that is not completed is the last. A server may have room for one: `socket` first. */
  async session(microphone, socket) {
    const phases = ["webrtc", "answer", "location", "ice", "dtls", "channel", "created", "update", "pair", "sound"];
    if (!phases.some((id) => this.wants(id))) return;
    const session = await this.one("webrtc", async (case_) => this.made(case_, await microphone), true);
    if (!session || !phases.slice(1).some((id) => this.wants(id))) return;
    const { peer, channel } = session;
    this.hadOne = await Promise.race([socket, this.socketIsOver]);
    const phase = (id, question) =>
      this.one(id, (case_) => (case_.of(session), question.call(this, case_, session)), true);
    if (!(await phase("answer", this.offered))) return;
    await phase("location", named);
    const good = (id, what, event, yes, no, ms) =>
      phase(id, (case_) => this.became(case_, [what, event, yes, no, ms], peer));
    if (!(await good("ice", peer, "iceConnectionState", ["connected", "completed"], ["failed", "closed"], this.waits.ice))) return;
    if (!(await good("dtls", peer, "connectionState", ["connected"], ["failed", "closed"], this.waits.dtls))) return;
    if (!(await good("channel", channel, "readyState", ["open"], ["closing", "closed"], this.waits.channel))) return;
    const created = await phase("created", this.created);
    if (created && this.wants("update")) await phase("update", this.updated);
    await phase("pair", pair);
    if (created && this.wants("sound") && this.plan.respond) await phase("sound", this.sounded);
  }

  /** The peer with its microphone, which stays shut, or with none; its channel, and an element that plays what comes in. */
  made(case_, microphone) {
    case_.facts.there = typeof RTCPeerConnection !== "undefined";
    if (!case_.facts.there) return ["this browser has no RTCPeerConnection", false];
    const peer = case_.noting(() => new RTCPeerConnection({ iceServers: this.plan.ice_servers ?? [] }));
    this.opened.push(() => peer.close());
    const session = { peer, events: [], audio: new Audio(), refused: "", ids: case_.peers, began: heardEvents() };
    session.audio.autoplay = true;
    this.opened.push(() => silence(session.audio));
    peer.addEventListener("track", ({ track, streams }) => {
      session.track = track;
      session.audio.srcObject = streams[0] ?? new MediaStream([track]);
      session.audio.play().catch((error) => (session.refused = said(error)));
    });
    const track = microphone?.getAudioTracks()[0];
    if (track) peer.addTrack(track, microphone);
    else peer.addTransceiver("audio");
    session.channel = peer.createDataChannel("oai-events");
    session.channel.addEventListener("message", ({ data }) => session.events.push(parsed(data)));
    return ["there", true, session];
  }

  async offered(case_, session) {
    const [{ facts }, { peer }] = [case_, session];
    const offer = await peer.createOffer();
    await peer.setLocalDescription(offer);
    const token = await this.token("answer");
    if (!token.value) return noToken(facts, token.why);
    const headers = { Authorization: `Bearer ${token.value}`, "Content-Type": SDP };
    const post = () => this.fetched(case_, this.plan.calls_url, { method: "POST", headers, body: offer.sdp });
    let [began, answer] = [performance.now(), await post()];
    for (const ms of FREE_MS) {
      if (answer.status !== 503 || !this.hadOne) break; // no room: the socket's session may still be there
      await pause(ms);
      [began, answer] = [performance.now(), await post()];
    }
    facts.status = answer.status;
    session.offered_in = case_.requests;
    const sdp = await answer.text();
    facts.took_ms = since(began);
    if (!answer.ok) return [`refused with ${answer.status}`, false];
    facts.step = "setRemoteDescription";
    await peer.setRemoteDescription({ type: "answer", sdp });
    delete facts.step;
    session.answer = answer;
    return [`answered in ${facts.took_ms} ms`, true, true];
  }

  /** Whether `what` came to one of the states `yes` in time; one of `no`, or the peer's end, ends the waiting. */
  async became(case_, [what, name, yes, no, ms], peer) {
    const began = performance.now();
    const over = () => yes.includes(what[name]) || no.includes(what[name]) || ["failed", "closed"].includes(peer.connectionState);
    const changes = what === peer ? [[peer, `${name.toLowerCase()}change`]] : [[what, "open"], [what, "close"]];
    await until(over, [...changes, [peer, "connectionstatechange"]], ms);
    const done = yes.includes(what[name]);
    const state = !done && peer.connectionState === "failed" ? "failed" : what[name]; // of ICE chromium says "disconnected" at first
    const took_ms = since(began);
    Object.assign(case_.facts, { done, state, took_ms, late: !over() });
    return [`${done ? "in" : `${state} after`} ${took_ms} ms`, done, done];
  }

  async created(case_, { events, channel, began: before }) {
    case_.facts.events[0] = before; // it may have come with the channel
    const began = performance.now();
    await until(() => events.length || channel.readyState !== "open", [[channel, "message"], [channel, "close"]], this.waits.event);
    const first = events[0]?.type ?? null;
    Object.assign(case_.facts, { first, took_ms: since(began), late: !first && channel.readyState === "open" });
    return [first ?? "no event came", first === "session.created", first === "session.created"];
  }

  async updated(case_, { peer, events, channel }) {
    const [before, came] = [events.length, await bytes(peer)];
    const began = performance.now();
    const answer = () => events.slice(before).find(({ type }) => type === (this.plan.session_says ?? "session.updated") || type === "error");
    channel.send(JSON.stringify(this.plan.update));
    await until(() => answer() || channel.readyState !== "open", [[channel, "message"], [channel, "close"]], this.waits.event);
    const type = answer()?.type ?? null;
    Object.assign(case_.facts, { answer: type, took_ms: since(began), late: !type && channel.readyState === "open" });
    if (!type) case_.facts.came = (await bytes(peer)) - came;
    return [type ?? "no answer came", Boolean(type) && type !== "error"];
  }

  /** Asks for a word or two, and listens until it is heard, or is over, or cannot be played. */
  async sounded(case_, session) {
    const { facts } = case_;
    const { peer, events, channel, audio } = session;
    const [before, played_s, came] = [events.length, audio.currentTime, await bytes(peer)];
    facts.channel = channel.readyState;
    if (facts.channel !== "open") return ["the session has ended", null];
    const context = audioContext();
    this.opened.push(() => context?.close());
    const of = (...types) => events.slice(before).find(({ type }) => types.includes(type));
    const began = performance.now();
    let over_ms = Infinity;
    channel.send(JSON.stringify(this.plan.respond));
    for (let enough = false; !enough; await pause(LOOK_MS)) {
      Object.assign(facts, await incoming(session), { played_s: audio.currentTime - played_s, took_ms: since(began) });
      const heard = facts.energy > SPOKEN && facts.played_s > 0.1;
      const unplayable = facts.refused && facts.packets > 10;
      if (of("output_audio_buffer.stopped", "error") || of("response.done")?.response?.status === "failed") over_ms = Math.min(over_ms, facts.took_ms);
      enough = heard || unplayable || facts.took_ms > Math.min(over_ms + 500, this.waits.sound) || channel.readyState !== "open";
    }
    facts.responded = (of("error") ?? of("response.done") ?? of("response.created"))?.type ?? null;
    facts.response = of("response.done")?.response?.status ?? null;
    facts.came = (await bytes(peer)) - came;
    Object.assign(facts, { context_state: context?.state ?? null, channel: channel.readyState });
    if (audio.error) facts.element = audio.error.message || `code ${audio.error.code}`;
    const heard = facts.energy > SPOKEN && facts.played_s > 0;
    return [heard ? "heard" : facts.refused || `${facts.packets} packets, not heard`, heard];
  }
}

/** What a case has seen: ids of the account, and facts. Of all events, `events` says where those begin and end that came meanwhile. */
class Case {
  constructor() {
    this.requests = [];
    this.sockets = [];
    this.peers = [];
    this.facts = { events: [heardEvents(), null] };
  }

  heard() {
    this.facts.events[1] = heardEvents();
  }

  /** Makes that call, and notes what it begins: watch.js writes it down before the call returns. */
  noting(call) {
    const mark = globalThis.rtdiagWatch.mark();
    try {
      return call();
    } finally {
      const { requests = [], sockets = [], peers = [] } = globalThis.rtdiagWatch.since(mark);
      this.requests.push(...requests);
      this.sockets.push(...sockets);
      this.peers.push(...peers);
    }
  }

  of(session) {
    this.peers.push(...session.ids);
  }
}

function heardEvents() {
  return globalThis.rtdiagWatch.account().events.length;
}

function secure({ facts }) {
  Object.assign(facts, { secure: isSecureContext, origin: location.origin });
  return [isSecureContext ? "secure" : "not a secure context", isSecureContext];
}

/** The microphone, shut at once: its stream, with `ear`, a track of its own to listen to here. Null where no page can ask for one. */
async function opened(asking) {
  if (!navigator.mediaDevices?.getUserMedia) return null;
  asking.screen.say?.("Your browser may ask for the microphone: it is listened to in this page alone, nothing of it is sent.");
  const asked = navigator.mediaDevices.getUserMedia({ audio: AS_IT_IS });
  const stop = (stream) => [...stream.getTracks(), stream.ear].forEach((track) => track?.stop());
  asked.then((stream) => asking.opened.push(() => stop(stream)), () => {});
  try {
    const stream = await within(asked, asking.waits.microphone);
    const [track] = stream.getAudioTracks();
    stream.ear = track?.clone();
    if (track) track.enabled = false;
    return stream;
  } catch (error) {
    if (isLate(error)) asked.then(stop, () => {}); // allowed when nobody waits for it any more
    throw error;
  }
}

async function heard({ facts }, microphone) {
  const { mediaDevices: media, permissions } = navigator;
  facts.there = Boolean(media?.getUserMedia);
  if (!facts.there) return ["no page can ask for a microphone here", false];
  try {
    const { ear } = await microphone;
    facts.label = ear.label;
    Object.assign(facts, await loudness(ear), { muted: ear.muted, state: ear.readyState });
    ear.stop();
  } catch (error) {
    Object.assign(facts, { name: error?.name ?? "", message: error?.message ?? `${error}`, late: isLate(error) });
  }
  const found = await within(media.enumerateDevices(), 1000).catch(() => null);
  facts.devices = found && found.filter(({ kind }) => kind === "audioinput").length;
  facts.permission = await within(permissions?.query({ name: "microphone" }), 1000).then((found) => found?.state ?? null, () => null);
  if (facts.name) return [said(facts), false];
  if (facts.muted) return ["muted", false];
  if (facts.level === null) return ["allowed", true];
  return facts.level > HEARD ? ["heard", true] : ["allowed, and silent", "warn"];
}

/** Null where there is none to be had. */
function audioContext() {
  try {
    return new AudioContext();
  } catch {
    return null;
  }
}

/** How loud a track is: {level} is the largest RMS of full scale in `seconds` of sound, null where that cannot be told. */
async function loudness(track) {
  const began = performance.now();
  const found = { level: 0, seconds: 0, by: null };
  let ear;
  try {
    ear = typeof MediaStreamTrackProcessor === "undefined" ? analysed(track) : processed(track);
    found.by = ear.by;
    while (since(began) < MOST_MS && found.seconds < (found.level > HEARD ? LISTEN_S : SILENT_S)) {
      const { level, seconds } = await within(ear.next(), MOST_MS - since(began));
      found.level = Math.max(found.level, level);
      found.seconds += seconds;
    }
  } catch (error) {
    found.unheard = said(error);
    if (!found.seconds) found.level = null;
  } finally {
    ear?.end();
  }
  return found;
}

/** Chromium's way, for which no AudioContext is needed: that is suspended until somebody has clicked. */
function processed(track) {
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  const next = async () => {
    const { value, done } = await reader.read();
    if (done) throw new Error("the track has ended");
    const samples = new Float32Array(value.allocationSize({ planeIndex: 0, format: "f32-planar" }) / 4);
    value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
    const seconds = value.duration / 1e6;
    value.close();
    return { level: rms(samples), seconds };
  };
  return { by: "MediaStreamTrackProcessor", next, end: () => reader.cancel().catch(() => {}) };
}

/** Everybody's way; a context that does not run tells nothing, and not silence. */
function analysed(track) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let at_s = context.currentTime;
  const next = async () => {
    await pause(LOOK_MS);
    if (context.state !== "running") await within(context.resume(), 500);
    analyser.getFloatTimeDomainData(samples);
    const before = at_s;
    at_s = context.currentTime;
    return { level: rms(samples), seconds: at_s - before };
  };
  return { by: "AnalyserNode", next, end: () => context.close() };
}

function named({ facts, requests }, { offered_in, answer }) {
  requests.push(...offered_in);
  facts.read = answer.headers.get("location");
  return [facts.read ? "readable" : "the page cannot read it", Boolean(facts.read) || "warn"];
}

/** Which pair carries: `protocol` udp or tcp, `relay` how a TURN server is reached, "" without one. */
async function pair({ facts }, { peer }) {
  const stats = await within(peer.getStats(), 1000);
  const all = [...stats.values()];
  const pairs = all.filter(({ type }) => type === "candidate-pair");
  const chosen = all.find((one) => one.type === "transport")?.selectedCandidatePairId;
  const found =
    stats.get(chosen) ?? pairs.find((one) => one.selected) ?? pairs.find((one) => one.nominated && one.state === "succeeded");
  const [local, remote] = [stats.get(found?.localCandidateId), stats.get(found?.remoteCandidateId)];
  if (!local || !remote) return ["the browser does not tell", null];
  const relay = local.candidateType === "relay" ? local.relayProtocol || "udp" : "";
  const round_trip_ms = found.currentRoundTripTime === undefined ? null : Math.round(found.currentRoundTripTime * 1e4) / 10;
  Object.assign(facts, { local: spelt(local), remote: spelt(remote), protocol: local.protocol, relay, round_trip_ms });
  return [`${local.protocol.toUpperCase()}${relay && ", by a relay"}`, true];
}

/** What has come in so far, by getStats(), by the track and by the element that is to play it. */
async function incoming({ peer, track, audio, refused }) {
  const all = [...(await within(peer.getStats(), 1000)).values()];
  const rtp = all.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio") ?? {};
  return {
    packets: rtp.packetsReceived ?? 0,
    bytes: rtp.bytesReceived ?? 0,
    energy: rtp.totalAudioEnergy ?? 0,
    seconds: rtp.totalSamplesDuration ?? 0,
    track: Boolean(track),
    muted: track?.muted ?? null,
    paused: audio.paused,
    refused,
  };
}

/** How much has come in of whatever kind: whoever is there acknowledges at least what is sent. NaN where it is not told. */
async function bytes(peer) {
  const all = [...(await within(peer.getStats(), 1000)).values()];
  return Math.max(...all.filter(({ type }) => type === "candidate-pair").map((pair) => pair.bytesReceived));
}

function blocked({ facts }) {
  facts.blocked = globalThis.rtdiagWatch.account().blocked ?? [];
  return facts.blocked.length ? [`${facts.blocked.length} times`, "info"] : ["nothing", true];
}

function noToken(facts, why) {
  facts.token = why;
  return [`no token: ${why}`, null];
}

function silence(audio) {
  audio.pause();
  audio.srcObject = null;
}

/** Waits until `done()`, looking again at each of these events; whether it was true in time. */
function until(done, events, ms) {
  return new Promise((resolve) => {
    const look = () => done() && end(true);
    const timer = setTimeout(() => end(false), ms);
    const end = (found) => {
      clearTimeout(timer);
      for (const [target, name] of events) target.removeEventListener(name, look);
      resolve(found);
    };
    for (const [target, name] of events) target.addEventListener(name, look);
    look();
  });
}

/** The promise's value, or a TimeoutError after so many milliseconds. */
function within(promise, ms) {
  let timer;
  const late = new Promise((_, refuse) => {
    timer = setTimeout(() => refuse(new DOMException(`nothing within ${ms} ms`, "TimeoutError")), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

function isLate(error) {
  return error?.name === "TimeoutError";
}

function said(error) {
  return `${error?.name ?? "Error"}: ${error?.message ?? error}`;
}

function since(began) {
  return Math.round((performance.now() - began) * 10) / 10;
}

function spelt({ protocol, candidateType, address, ip, port }) {
  const host = address ?? ip ?? "?";
  return `${protocol} ${candidateType} ${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function rms(samples) {
  return Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / (samples.length || 1));
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

function unique() {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

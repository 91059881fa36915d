// Writes down what a page does with the network, with WebRTC and with the microphone, and what the browser says of it: an Account
// (../account.py). It works as the first script of any page, pasted into a console, and in rtdiag's own page. It changes nothing
// of what the page does or sees, masks secrets before anything leaves the page, and keeps no more than the limits below.
(() => {
  "use strict";
  if (globalThis.rtdiagWatch || !globalThis.document) return;

  const MOST = { requests: 2000, sockets: 200, events: 20_000, peers: 100, microphones: 100, blocked: 500, console: 2000 };
  const MOST_STATES = 1500, MOST_CANDIDATES = 200, MOST_ALIKE = 100; // per peer, per side, of deltas of one kind
  const LONGEST = { body: 65_536, event: 65_536, line: 4000, url: 4000, words: 1000 };
  const LARGEST = 8 * 1024 * 1024; // characters of all texts together
  const MOST_KEPT_ALIVE = 60_000; // of what is sent while a page is left (64 KiB by the Fetch standard)
  const EVERY_MS = 1000, CHARACTERS_PER_S = 500_000, LONGEST_READ_MS = 10_000, LONGEST_POLLED_S = 600;

  // What is needed here, before anybody wraps it.
  const { apply, construct, defineProperty, getOwnPropertyDescriptor } = Reflect;
  const { Promise } = globalThis, { then } = Promise.prototype;
  const on = globalThis.EventTarget.prototype.addEventListener;
  const ownFetch = globalThis.fetch, ownConsole = globalThis.console?.info?.bind(globalThis.console) ?? (() => {});
  const later = globalThis.setTimeout.bind(globalThis), never = globalThis.clearTimeout.bind(globalThis);
  const beacon = navigator.sendBeacon?.bind(navigator);
  const now = performance.now.bind(performance);
  const script = document.currentScript?.src || "";
  const epoch = Date.now() - now();
  // rtdiag's own page, which has this script from its own origin, tells by itself.
  const isOwnPage = script !== "" && new URL(script).origin === location.origin;
  const OF_OWN_PAGE = /\/(?:plan|token|tell|alive|result)$/;
  const isLate = document.readyState !== "loading";

  const kept = { requests: [], sockets: [], events: [], peers: [], microphones: [], blocked: [], console: [] };
  let leftOut = 0, size = 0, happened = 0, count = 0, isDone = false;

  /** Does what may fail without the page's knowing. */
  function quietly(work) {
    try {
      return work();
    } catch {
      return undefined;
    }
  }

  const hasRoom = (of) => kept[of].length < MOST[of] && size < LARGEST;

  /** Keeps one more of them, while there is room; what it is either way. */
  function keep(of, one) {
    happened++;
    if (hasRoom(of)) kept[of].push(one);
    else leftOut++;
    return one;
  }

  // --- texts: cut, masked, well-formed -----------------------------------------------------------------------------------------

  const PREFIX = /^(?:sk-(?:proj-|svcacct-|admin-|or-v1-|bf-)?|ek_(?:bf_)?|xai-(?:realtime-client-secret-)?|lai-sess:)/;
  const UNSET = /^(?:undefined|null|none|nan|true|false|\[object.*|["'`]*|\$?\{.*\}|<.*>|\$\w+)$/i;
  const NAMED = "(?:[\\w.-]{0,60}(?:secret|token|jwt|password|passwd|credential|bearer|auth|authorization|ticket|signature|apikey" +
    "|api[-_]key|access[-_]?key|private[-_]?key|subscription[-_]?key|ephemeral[-_]?key|session[-_]?key)|value)";
  const QUOTE = `\\\\{0,8}["']`, COLON = `${QUOTE}\\s{0,4}:\\s{0,4}\\[?\\s{0,4}`;
  const IN_JSON = new RegExp(`(${QUOTE}${NAMED}s?${COLON}${QUOTE})([^"'\\\\\\s*]{8,4096})(?=${QUOTE})`, "gi");
  const BEARER = /((?:\bbearer|\bbasic)(?: |%20|\+)+)([^\s"'*\\,;]{8,})/gi;
  const IN_WORDS_OF = /(\b(?:password|passwd|secret|token|api[-_ ]?key) ?[:=] ?["']?)([^\s"'*\\,;]{8,})/gi;
  const IN_URL = new RegExp(`((?:^|[?&#])(?:${NAMED}|key|code|sig)=)([^&#\\s"'*\\\\]{8,})`, "gi");
  const FIELD = new RegExp(`^(?:${NAMED})$`, "i");
  const SHAPES = [
    /\b(?:sk-|ek_|xai-|gsk_|hf_|lai-sess:)[\w:-]{16,}/g,
    /\beyJ[\w-]{6,}={0,2}\.[\w-]{4,}={0,2}(?:\.[\w-]*={0,2})?/g,
    /\b(?:eyJ|c2st|ZWtf)[\w+/-]{20,}={0,2}/g, // base64 of what begins as JSON, or as a key
    /\b(?:[sprw]k_\w{20,}|AIza[\w-]{30,}|(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_\w{30,}|xox[abeprs]-[\w-]{10,}|[A-Za-z0-9]{52}JQQJ99\w{26})/g,
  ];
  const BEHIND = [
    /((?:openai-insecure-api-key|xai-client-secret)\.)([^\s,"'*\\]{8,})/g,
    /(a=ice-pwd:)([^\s\\"*]+)/g,
    /('nonce-)([^'\s*]+)/g,
    /((?:password|passwd|credential)\\{0,8}"\s{0,4}:\s{0,4}\\{0,8}")([^"\\*]+)/gi,
    /((?:^|[?&#])(?:password|passwd)=)([^&#\s"'*\\]+)/gi,
    /(:\/\/)([^/\s?#"'\\@<>*]+)(?=@)/g,
    /((?:__cf_bm|_cfuvid|cf_clearance|__Secure-[\w-]{1,64})=)([^;\s"'\\*]+)/g,
  ];
  const learnt = new Set();
  let hiddenOf = 0; // so many of these in all that is kept

  /** The text at the same length, but for a key's prefix and its last four characters only stars: as rtdiag itself masks. */
  function stars(secret) {
    const head = PREFIX.exec(secret)?.[0].length ?? 0;
    const tail = head && secret.length - head >= 16 && /[\w-]{4}$/.test(secret) ? 4 : 0;
    return secret.slice(0, head) + "*".repeat(secret.length - head - tail) + secret.slice(secret.length - tail);
  }

  /** As a secret that stands in a place for one: it is hidden elsewhere, too. */
  function hidden(secret) {
    if (UNSET.test(secret)) return secret;
    if (secret.length >= 12 && isOne("", secret) && learnt.size < 200 && secret.search(SHAPES[0]) < 0) learnt.add(secret);
    return stars(secret);
  }

  function without(secrets, text) {
    let shown = text;
    for (const secret of secrets) if (shown.includes(secret)) shown = shown.replaceAll(secret, stars(secret));
    return shown;
  }

  /** Hides in what was kept before what was only then seen to be a secret. */
  function hideAll(secrets, one) {
    for (const [name, own] of Object.entries(one)) {
      if (typeof own === "string") one[name] = without(secrets, own);
      else if (own && typeof own === "object") hideAll(secrets, own);
    }
  }

  /** Whether a value is more than a word, by a figure in it or, behind a name for secrets, by its length. */
  const isOne = (before, value) => /\d/.test(value) || (value.length >= 20 && !/\bvalue\W*$/i.test(before));

  function masked(text) {
    let shown = without(learnt, text);
    for (const shape of SHAPES) shown = shown.replace(shape, stars);
    for (const place of BEHIND) shown = shown.replace(place, (_, before, secret) => before + hidden(secret));
    for (const place of [IN_JSON, IN_URL, IN_WORDS_OF, BEARER])
      shown = shown.replace(place, (all, before, secret) => (isOne(before, secret) ? before + hidden(secret) : all));
    return shown;
  }

  /** A text as it may be kept: long runs of audio and what is too much left out, no secret, no half of a character. */
  function told(value, most = LONGEST.body) {
    let text = String(value);
    text = text.replace(/\b[A-Za-z0-9+/]{400,}={0,2}/g, (found) => `(${found.length} characters left out)`);
    if (text.length > most) {
      const end = text.slice(most - 200, most).replace(/[\w\-.~+/=*]+$/, ""); // no word, and so no secret, is cut in two
      text = `${text.slice(0, most - 200)}${end} … (cut)`;
    }
    text = masked(text).replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, (one) => (one[1] ? one : "\ufffd"));
    size += text.length;
    return text;
  }

  /** The text of a value, without calling anything of the page's. */
  const plain = (value) =>
    [URL, Location, URLSearchParams].some((kind) => value instanceof kind) || Object(value) !== value
      ? String(value)
      : Object.prototype.toString.call(value);

  const isError = (value) => value?.name && value?.message !== undefined;
  const words = (error) => told(isError(error) ? `${error.name}: ${error.message}` : error, LONGEST.words);
  const absolute = (url) => told(quietly(() => new URL(plain(url), document.baseURI).href) ?? plain(url), LONGEST.url);
  const named = (letter) => `${letter}${++count}`;

  // --- wrapping -----------------------------------------------

  const wrappers = new WeakMap(); // what stands in the page now -> what stood there before

  /** Puts a proxy in place of a function, which looks like it in every way that a page can ask for. */
  function wrap(holder, name, handler, part = "value") {
    quietly(() => {
      const place = holder && getOwnPropertyDescriptor(holder, name);
      const native = place?.[part];
      if (typeof native !== "function") return;
      const proxy = new Proxy(native, handler);
      wrappers.set(proxy, native);
      if (!defineProperty(holder, name, { ...place, [part]: proxy })) return;
      if (handler.construct && native.prototype?.constructor === native) {
        const own = getOwnPropertyDescriptor(native.prototype, "constructor");
        defineProperty(native.prototype, "constructor", { ...own, value: proxy });
      }
    });
  }

  /** A method: `before` sees its object and arguments, what it gives back sees the outcome, of a promise what that comes to. */
  function method(holder, name, before) {
    wrap(holder, name, {
      apply(native, self, args) {
        const after = quietly(() => before(self, args)) ?? {};
        let result;
        try {
          result = apply(native, self, args);
        } catch (error) {
          quietly(() => after.failed?.(error));
          throw error;
        }
        return after.done || after.failed ? outcome(result, after) : result;
      },
    });
  }

  /** The same result; a promise's is one step later, for otherwise a rejection that the page forgot would no longer be told. */
  function outcome(result, { done, failed }) {
    if (!(result instanceof Promise)) {
      quietly(() => done?.(result));
      return result;
    }
    apply(then, result, [(value) => quietly(() => done?.(value)), (error) => quietly(() => failed?.(error))]);
    return apply(then, result, []); // which rejects by itself: what a script of another origin throws is not told either
  }

  function constructor(name, made) {
    const native = globalThis[name];
    wrap(globalThis, name, {
      construct(target, args, newTarget) {
        const after = quietly(() => made(args)) ?? {};
        let one;
        try {
          one = construct(target, args, newTarget);
        } catch (error) {
          quietly(() => after.failed?.(error));
          throw error;
        }
        quietly(() => after.done?.(one));
        return one;
      },
    });
    return native;
  }

  const listen = (target, names, heard) => {
    for (const name of names) apply(on, target, [name, (event) => quietly(() => heard(event))]);
  };

  wrap(Function.prototype, "toString", {
    apply: (native, self, args) => apply(native, wrappers.get(self) ?? self, args),
  });

  // --- requests -----------------------------------------------

  const CREDENTIAL =
    /^(?!sec-websocket-)(?:.*[-_])?(?:authorization|auth|token|secret|password|jwt|apikey|[\w-]*-key)$/i;
  const IN_WORDS = /json|sdp|text|xml|urlencoded|javascript|html/i;
  const RELEVANT = /realtime|session|token|secret|sdp|call|offer|rtc|mint|ephemeral/i;
  const built = new WeakMap(); // what a Request was made with

  function header(name, value) {
    const text = told(value, LONGEST.words);
    if (/^(?:set-)?cookie$/i.test(name)) return [name, "*".repeat(text.length)];
    const hide = (word, n) => (n % 2 || text.includes("*") || word.length < 8 ? word : hidden(word));
    return [name, CREDENTIAL.test(name) ? text.split(/(\s+)/).map(hide).join("") : text];
  }

  /** Headers in any form that can be read twice. */
  function pairs(headers) {
    if (!headers || typeof headers !== "object") return [];
    const isRead = [Headers, Array, Map].some((kind) => headers instanceof kind);
    if (!isRead && typeof headers[Symbol.iterator] === "function") return []; // which may be read once alone
    const listed = isRead ? [...headers] : Object.entries(headers);
    return listed.slice(0, 100).map(([name, value]) => header(String(name), value));
  }

  function inForm(name, value) {
    if (typeof value !== "string") return `(${value.size} bytes)`;
    return FIELD.test(name) ? hidden(value) : value;
  }

  const isBinary = (body) => body instanceof ArrayBuffer || ArrayBuffer.isView(body);

  /** A body in words, "" where it is none, and the type that the browser gives it. */
  function sent(body) {
    if (body === undefined || body === null) return ["", ""];
    if (body instanceof URLSearchParams) return [told(body), "application/x-www-form-urlencoded;charset=UTF-8"];
    if (body instanceof FormData) {
      const head = (name) => `--form\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`;
      const parts = [...body].map(([name, value]) => `${head(name)}${inForm(name, value)}\r\n`);
      return [told(`${parts.join("")}--form--\r\n`), "multipart/form-data"];
    }
    if (body instanceof Blob) return ["", body.type];
    if (isBinary(body)) return [body.byteLength <= LONGEST.body ? told(new TextDecoder().decode(body)) : "", ""];
    return body instanceof ReadableStream ? ["", ""] : [told(plain(body)), "text/plain;charset=UTF-8"];
  }

  function request(method, where, headers, body) {
    const url = absolute(where);
    if (isOwnPage && url.startsWith(location.origin) && OF_OWN_PAGE.test(url)) return { at_ms: now() };
    const [text, type] = sent(body);
    if (type && !headers.some(([name]) => name.toLowerCase() === "content-type")) headers.push(["content-type", type]);
    const made = { id: named("r"), method: String(method).toUpperCase(), url, at_ms: now(), headers };
    if (text) made.body = text;
    if (body instanceof Blob && body.size <= LONGEST.body && (IN_WORDS.test(body.type) || !body.type))
      apply(then, body.text(), [(words) => (made.body = told(words)), () => {}]);
    return keep("requests", made);
  }

  function answered(made, status, headers) {
    Object.assign(made, { took_ms: now() - made.at_ms, status, answer_headers: headers });
    happened++;
    if (status >= 400) hurry();
  }

  function unanswered(made, step, said) {
    Object.assign(made, { took_ms: now() - made.at_ms, wrong: { step, said } });
    happened++;
    hurry();
  }

  /** Whether an answer is read here, too: one in words that ends, or that tells of a failure. */
  function isRead(response) {
    const type = response.headers.get("content-type") ?? "";
    if (!response.body || response.bodyUsed || /event-stream|ndjson/i.test(type)) return false;
    if (type && !IN_WORDS.test(type)) return false;
    const length = response.headers.get("content-length");
    if (length !== null && Number(length) > LONGEST.body) return !response.ok;
    return !response.ok || length !== null || /json|sdp/i.test(type) || RELEVANT.test(new URL(response.url).pathname);
  }

  /** Reads a copy of the answer as far as it is kept, for a time; the page's own goes its own way. */
  async function read(made, copy) {
    const reader = copy.body.getReader(), decoder = new TextDecoder();
    const stop = later(() => reader.cancel().catch(() => {}), LONGEST_READ_MS);
    let text = "";
    try {
      for (let part; text.length < LONGEST.body && !(part = await reader.read()).done; )
        text += decoder.decode(part.value, { stream: true });
    } catch (error) {
      made.wrong ??= { step: "read the answer", said: words(error) };
    }
    never(stop);
    reader.cancel().catch(() => {});
    made.answer = told(text);
    happened++;
  }

  /** Whether the page itself ended it, with whatever reason; a limit of time is told as such by the browser. */
  const gaveUp = (signal, error) => Boolean(signal?.aborted) && signal.reason === error && error?.name !== "TimeoutError";

  if (globalThis.Request) {
    constructor("Request", ([input, init]) => ({
      done: (one) => built.set(one, { body: init?.body ?? built.get(input)?.body }),
    }));
    method(Request.prototype, "clone", (self) => ({ done: (copy) => built.set(copy, built.get(self) ?? {}) }));
  }

  method(globalThis, "fetch", (_, [input, init]) => {
    const whole = input instanceof Request ? input : null;
    const headers = pairs(init?.headers ?? whole?.headers);
    const body = init?.body ?? (whole ? built.get(whole)?.body : undefined);
    const made = request(init?.method ?? whole?.method ?? "GET", whole ? whole.url : input, headers, body);
    return {
      done(response) {
        if (response.type === "opaque" || response.type === "opaqueredirect") {
          Object.assign(made, { took_ms: now() - made.at_ms, opaque: true });
          happened++;
          return;
        }
        if (Object(input) === input && !response.redirected) made.url = absolute(response.url || made.url);
        answered(made, response.status, pairs(response.headers));
        if (isRead(response)) read(made, response.clone()).catch(() => {});
      },
      failed: (error) => unanswered(made, gaveUp(init?.signal ?? whole?.signal, error) ? "abort" : "fetch", words(error)),
    };
  });

  if (globalThis.XMLHttpRequest) {
    const asked = new WeakMap(), sending = new WeakMap();
    const own = XMLHttpRequest.prototype;
    method(own, "open", (self, [verb, url]) => void asked.set(self, { verb, url, headers: [] }));
    method(own, "setRequestHeader", (self, pair) => void asked.get(self)?.headers.push(...pairs([pair])));
    method(own, "send", (self, [body]) => {
      const { verb = "GET", url = "", headers = [] } = asked.get(self) ?? {};
      const made = request(verb, url, headers, /^(?:get|head)$/i.test(verb) ? null : body);
      const isNew = !sending.has(self);
      sending.set(self, made);
      const ends = ["error", "timeout", "abort", "loadend"];
      if (isNew) listen(self, ends, ({ type }) => heardXhr(self, sending.get(self), type));
      return { failed: (error) => unanswered(made, "XMLHttpRequest", words(error)) };
    });
  }

  function heardXhr(xhr, made, how) {
    if (made.status !== undefined || made.wrong) return;
    if (how !== "loadend") return void unanswered(made, "XMLHttpRequest", how);
    const lines = xhr.getAllResponseHeaders().trim().split(/[\r\n]+/).filter(Boolean);
    answered(made, xhr.status, pairs(lines.map((line) => line.split(/:\s*(.*)/))));
    if (["", "text"].includes(xhr.responseType)) made.answer = told(xhr.responseText);
    else if (xhr.responseType === "json" && xhr.response) made.answer = told(JSON.stringify(xhr.response));
  }

  // --- WebSockets and data channels -----------------------------------------------

  const alike = new Map();
  const FLOOD = /"type"\s{0,4}:\s{0,4}"(input_audio_buffer\.append|[\w.]{1,80}\.delta)"/;

  function event(channel, direction, data) {
    const text = typeof data === "string" ? data : `(${data?.byteLength ?? data?.size ?? 0} bytes)`;
    const kind = FLOOD.exec(text.slice(0, 400))?.[1] ?? (typeof data === "string" ? "" : "binary");
    if (kind) {
      const times = (alike.get(channel + kind) ?? 0) + 1;
      alike.set(channel + kind, times);
      if (times > MOST_ALIKE) return void leftOut++;
    }
    if (!hasRoom("events")) return void leftOut++;
    keep("events", { channel, direction, at_ms: now(), raw: told(text, LONGEST.event) });
    if (/"type"\s{0,4}:\s{0,4}"error"/.test(text)) hurry();
  }

  const refusedOn = new Set();

  /** What send() takes is sent; what it refuses, or what a closed socket drops without a word, is none of the events. */
  const sending = (channel, data, isLost = false) => ({
    done: () => isLost || event(channel, "sent", data),
    failed(error) {
      if (!refusedOn.has(channel)) keepLine("caught", `send on ${channel}: ${words(error)}`);
      refusedOn.add(channel);
    },
  });

  const sockets = new WeakMap();
  const listed = (protocols) => (protocols === undefined ? [] : Array.isArray(protocols) ? protocols : [protocols]);

  /** A sub-protocol, which some servers take a credential as. */
  function subProtocol(one) {
    const isWord = /^openai-|\*/i.test(one) || one.length < 20 || !/\d/.test(one);
    return isWord ? one : hidden(one);
  }

  function socket(url, protocols) {
    const offered = listed(protocols).slice(0, 50).map((one) => subProtocol(told(one, LONGEST.words)));
    return keep("sockets", { id: named("s"), url: absolute(url).replace(/^http/, "ws"), at_ms: now(), offered });
  }

  function attend(own, made) {
    sockets.set(own, made);
    listen(own, ["open"], () => {
      made.opened_ms = now();
      made.chosen = told(own.protocol, LONGEST.words);
      happened++;
    });
    listen(own, ["message"], ({ data }) => event(made.id, "received", data));
    listen(own, ["close"], ({ code, reason }) => {
      Object.assign(made, { closed_ms: now(), code, reason: told(reason, LONGEST.words) });
      happened++;
      hurry();
    });
  }

  /** One that was there before this script came. */
  function met(own) {
    if (!sockets.has(own)) attend(own, socket(own.url, own.protocol || undefined));
    return sockets.get(own);
  }

  if (globalThis.WebSocket) {
    constructor("WebSocket", ([url, protocols]) => {
      const made = socket(url, protocols);
      return {
        done(own) {
          made.url = absolute(own.url);
          attend(own, made);
        },
        failed: (error) => Object.assign(made, { closed_ms: now(), reason: words(error) }),
      };
    });
    method(WebSocket.prototype, "send", (self, [data]) => sending(met(self).id, data, self.readyState > WebSocket.OPEN));
  }

  const channels = new WeakMap();

  function attendChannel(own, peer) {
    const label = told(own.label, 100), name = `${peer.id}/${label}`;
    channels.set(own, name);
    const entered = () => state(peer, `channel ${label}`, own.readyState);
    entered();
    listen(own, ["open", "closing", "close"], entered);
    listen(own, ["error"], ({ error }) => (peer.wrong ??= { step: `channel ${label}`, said: words(error) }));
    listen(own, ["message"], ({ data }) => event(name, "received", data));
  }

  /** Its name, also where nobody knows whose it is, for it was there before this script came. */
  function metChannel(own) {
    if (!channels.has(own)) {
      const name = `p0/${told(own.label, 100)}`;
      channels.set(own, name);
      listen(own, ["message"], ({ data }) => event(name, "received", data));
    }
    return channels.get(own);
  }

  if (globalThis.RTCDataChannel) {
    method(RTCDataChannel.prototype, "send", (self, [data]) => sending(metChannel(self), data));
  }

  // --- peer connections -----------------------------------------------

  const peers = new WeakMap(), owners = new Map(); // of a peer connection its record; of a record what is asked for its statistics
  const elements = new Set(); // weak references to those that were given a stream
  const OF_PEER = ["iceConnectionState", "connectionState", "iceGatheringState", "signalingState"];

  function state(peer, of, value) {
    if (peer.states.length < MOST_STATES) peer.states.push([now(), of, String(value)]);
    happened++;
    if (value === "failed") hurry();
  }

  function candidate(line) {
    const found = /^(?:a=)?candidate:\S+ \d+ (\S+) \d+ (\S+) (\d+) typ (\S+)/i.exec(line ?? "");
    return found && `${found[1].toLowerCase()} ${found[4]} ${place(found[2], found[3])}`;
  }

  const place = (address, port) => (String(address).includes(":") ? `[${address}]:${port}` : `${address || "?"}:${port ?? "?"}`);

  function note(side, line) {
    const found = candidate(line);
    if (found && side.length < MOST_CANDIDATES && !side.includes(found)) side.push(found);
  }

  function candidatesOf(sdp, side) {
    for (const [line] of String(sdp ?? "").matchAll(/^a=candidate:[^\r\n]{1,500}/gm)) note(side, line);
  }

  function peer() {
    return keep("peers", { id: named("p"), at_ms: now(), states: [], local: [], remote: [], ice_errors: [] });
  }

  function attendPeer(pc, made) {
    peers.set(pc, made);
    owners.set(made, { pc });
    for (const of of OF_PEER) {
      listen(pc, [`${of.toLowerCase()}change`], () => {
        state(made, of, pc[of]);
        attendTransports(pc, made);
        poll();
      });
    }
    listen(pc, ["icecandidate"], ({ candidate: found }) => note(made.local, found?.candidate));
    listen(pc, ["icecandidateerror"], ({ url, errorCode, errorText }) => {
      if (made.ice_errors.length < 50) made.ice_errors.push(told(`${url} ${errorCode} ${errorText}`, 300));
    });
    listen(pc, ["datachannel"], ({ channel }) => attendChannel(channel, made));
    listen(pc, ["track"], ({ track }) => {
      if (track.kind === "audio") owners.get(made).track = track;
      poll();
    });
  }

  /** The states of DTLS, once there is a transport. */
  function attendTransports(pc, made) {
    const own = owners.get(made);
    const dtls = pc.sctp?.transport ?? pc.getTransceivers?.().map(({ sender }) => sender.transport).find(Boolean);
    if (!dtls || own.dtls === dtls) return;
    own.dtls = dtls;
    state(made, "dtlsState", dtls.state);
    listen(dtls, ["statechange"], () => state(made, "dtlsState", dtls.state));
  }

  function metPeer(pc) {
    if (!peers.has(pc)) attendPeer(pc, peer());
    return peers.get(pc);
  }

  /** Notes what a call of a peer connection was refused with. */
  const refusing = (step, seen = () => {}) => (self, args) => {
    const made = metPeer(self);
    seen(made, args, self);
    return {
      done() {
        attendTransports(self, made);
        offers(made, self.localDescription);
      },
      failed(error) {
        made.wrong ??= { step, said: words(error) };
        happened++;
        hurry();
      },
    };
  };

  /** Notes by which name its offer will be known in the body of a request. */
  function offers(made, description) {
    made.ufrag = /^a=ice-ufrag:(\S+)/m.exec(description?.sdp ?? "")?.[1] ?? made.ufrag;
  }

  function wrapPeers() {
    const Native = constructor("RTCPeerConnection", () => {
      const made = peer();
      return {
        done: (pc) => attendPeer(pc, made),
        failed: (error) => (made.wrong = { step: "new RTCPeerConnection", said: words(error) }),
      };
    });
    const alias = getOwnPropertyDescriptor(globalThis, "webkitRTCPeerConnection");
    const value = RTCPeerConnection;
    if (alias?.value === Native) defineProperty(globalThis, "webkitRTCPeerConnection", { ...alias, value });
    const own = Native.prototype;
    for (const name of ["createOffer", "createAnswer"]) method(own, name, refusing(name));
    method(own, "setLocalDescription", refusing("setLocalDescription", (made, [description]) => offers(made, description)));
    method(own, "setRemoteDescription", refusing("setRemoteDescription", (made, [description]) => {
      candidatesOf(description?.sdp, made.remote);
    }));
    method(own, "addIceCandidate", refusing("addIceCandidate", (made, [found]) => note(made.remote, found?.candidate)));
    method(own, "createDataChannel", (self) => ({ done: (channel) => attendChannel(channel, metPeer(self)) }));
    method(own, "close", (self) => {
      const made = metPeer(self);
      statistics(made);
      state(made, "signalingState", "closed");
      owners.get(made).pc = null;
    });
  }

  if (globalThis.RTCPeerConnection) wrapPeers();
  const ownStats = globalThis.RTCPeerConnection?.prototype.getStats;

  /** Takes what getStats() says into a peer's record. */
  async function statistics(made) {
    const own = owners.get(made);
    if (!own?.pc) return;
    const report = await apply(ownStats, own.pc, []);
    const all = new Map(report);
    const of = (type) => [...all.values()].filter((one) => one.type === type);
    const chosen = new Set(of("transport").map((one) => one.selectedCandidatePairId));
    made.pairs = of("candidate-pair").slice(0, 200).map((pair) => ({
      local: told_of(all.get(pair.localCandidateId)),
      remote: told_of(all.get(pair.remoteCandidateId)),
      state: String(pair.state ?? ""),
      selected: chosen.has(pair.id) || pair.selected === true,
      sent: pair.requestsSent ?? 0,
      answered: pair.responsesReceived ?? 0,
      asked: pair.requestsReceived ?? 0,
      ...(pair.currentRoundTripTime === undefined ? {} : { round_trip_ms: pair.currentRoundTripTime * 1000 }),
    }));
    hear(made, own, of("inbound-rtp").filter((one) => one.kind === "audio"));
    happened++;
  }

  function told_of(found) {
    if (!found) return "";
    return `${found.protocol} ${found.candidateType} ${place(found.address ?? found.ip, found.port)}`;
  }

  const having = (element) => [...elements].some((one) => one.deref() === element);

  function hear(made, own, inbound) {
    const total = (name) => inbound.reduce((sum, one) => sum + (one[name] ?? 0), 0);
    const plays = (one) => one?.srcObject?.getTracks?.().includes(own.track);
    const playing = [...elements].map((one) => one.deref()).filter(plays);
    if (!own.track && !inbound.length) return;
    made.sound = {
      packets: total("packetsReceived"),
      bytes: total("bytesReceived"),
      energy: total("totalAudioEnergy"),
      track: Boolean(own.track),
      muted: Boolean(own.track?.muted) || (playing.length > 0 && playing.every((one) => one.muted || !one.volume)),
      played_s: Math.max(0, ...playing.map((one) => one.currentTime)),
      refused: own.refused ?? "",
    };
  }

  /** What play() said for the track of a peer. */
  function played(element, refused) {
    const tracks = element.srcObject?.getTracks?.() ?? [];
    for (const its of owners.values()) if (its.track && tracks.includes(its.track)) its.refused = refused;
    poll();
  }

  if (globalThis.HTMLMediaElement) {
    const own = HTMLMediaElement.prototype;
    wrap(own, "srcObject", {
      apply(native, self, args) {
        const result = apply(native, self, args);
        quietly(() => args[0] && elements.size < 100 && !having(self) && elements.add(new WeakRef(self)));
        return result;
      },
    }, "set");
    method(own, "play", (self) => ({
      done: () => played(self, ""),
      failed: (error) => error.name === "AbortError" || played(self, words(error)), // which says that another call came after
    }));
  }

  // --- the microphone, the console, what a policy forbids -----------------------------------------------

  if (globalThis.MediaDevices) {
    method(MediaDevices.prototype, "getUserMedia", (_, [wanted]) => {
      if (!wanted?.audio) return {};
      const made = keep("microphones", { at_ms: now(), took_ms: 0 });
      const took = () => (made.took_ms = now() - made.at_ms);
      return {
        done(stream) {
          took();
          const track = stream.getAudioTracks()[0];
          Object.assign(made, { label: told(track?.label ?? "", 200), muted: Boolean(track?.muted) });
          happened++;
        },
        failed(error) {
          took();
          made.refused = words(error);
          happened++;
          hurry();
        },
      };
    });
  }

  const ORDINARY = new Set([Object.prototype, Array.prototype, null]);

  /** A value as a console shows it, without calling anything of the page's. */
  function shown(value, depth = 0) {
    if (typeof value === "string") return depth ? JSON.stringify(value.slice(0, 500)) : value.slice(0, LONGEST.line);
    if (typeof value === "function") return "function";
    if (typeof value !== "object" || value === null) return String(value);
    if (value instanceof Error || value instanceof DOMException) return `${value.name}: ${value.message}`;
    if (value instanceof globalThis.Event) return `Event ${value.type}`;
    if (!ORDINARY.has(Object.getPrototypeOf(value)) || depth > 3) return Object.prototype.toString.call(value);
    const parts = Object.entries(Object.getOwnPropertyDescriptors(value)).filter(([, own]) => own.enumerable).slice(0, 50);
    const inside = parts.map(([name, own]) => [name, "value" in own ? shown(own.value, depth + 1) : "…"]);
    if (Array.isArray(value)) return `[${inside.map(([, text]) => text).join(",")}]`;
    return `{${inside.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
  }

  function keepLine(level, text) {
    if (!hasRoom("console")) return void leftOut++;
    keep("console", { at_ms: now(), level, text: told(text, LONGEST.line) });
    if (level === "error" || level === "uncaught") hurry();
  }

  for (const level of ["error", "warn", "log", "info"]) {
    const line = (args) => args.slice(0, 20).map((one) => shown(one)).join(" ");
    method(globalThis.console, level, (_, args) => void (hasRoom("console") ? keepLine(level, line(args)) : leftOut++));
  }

  listen(globalThis, ["error"], (found) => {
    const { message } = found;
    if (message) keepLine("uncaught", /^uncaught/i.test(message) ? message : `Uncaught ${message}`);
  });
  listen(globalThis, ["unhandledrejection"], ({ reason }) => keepLine("uncaught", `Uncaught (in promise) ${shown(reason)}`));
  listen(document, ["securitypolicyviolation"], ({ effectiveDirective, blockedURI, originalPolicy, disposition }) => {
    if (target && blockedURI.startsWith(new URL(target).origin)) return void forbidden();
    if (disposition === "report") return;
    const by = told(originalPolicy, LONGEST.url);
    keep("blocked", { at_ms: now(), directive: effectiveDirective, what: told(blockedURI, LONGEST.url), by });
    hurry();
  });

  // --- the account -----------------------------------------------

  /** How long the steps of a request took, as far as the browser tells: for another origin mostly the whole alone. */
  function steps(made) {
    const timing = performance.getEntriesByName(made.url, "resource").find((one) => Math.abs(one.startTime - made.at_ms) < 50);
    if (!timing) return undefined;
    const spans = {
      dns: timing.domainLookupEnd - timing.domainLookupStart,
      connect: timing.connectEnd - timing.connectStart,
      tls: timing.secureConnectionStart && timing.connectEnd - timing.secureConnectionStart,
      wait: timing.requestStart && timing.responseStart - timing.requestStart,
      total: timing.duration,
    };
    return Object.fromEntries(Object.entries(spans).filter(([, ms]) => ms > 0));
  }

  function ofRequest(made) {
    if (made.steps_ms === undefined && made.took_ms) made.steps_ms = steps(made);
    return made;
  }

  function ofPeer({ ufrag, ...made }) {
    const carrying = ufrag && kept.requests.find(({ body }) => body?.includes(`a=ice-ufrag:${ufrag}`));
    return carrying ? { ...made, offered_in: carrying.id } : made;
  }

  const origin = {
    rtdiag_account: 1,
    epoch_ms: epoch,
    page: absolute(location.href),
    agent: told(navigator.userAgent, LONGEST.words),
    secure: globalThis.isSecureContext !== false,
  };

  /** The page's own cookies stand in nothing that it tells. */
  function learnCookies() {
    for (const [, text] of document.cookie.matchAll(/=([^;]{12,})/g)) if (/\d/.test(text) && learnt.size < 200) learnt.add(text);
  }

  function account() {
    quietly(learnCookies);
    if (hiddenOf < learnt.size) hideAll([...learnt].slice(hiddenOf), kept);
    hiddenOf = learnt.size;
    return {
      ...origin,
      done: isDone,
      taken_ms: now(),
      ...kept,
      requests: kept.requests.map(ofRequest),
      peers: kept.peers.map(ofPeer),
      left_out: leftOut,
    };
  }

  async function settle() {
    await Promise.all(kept.peers.map((made) => statistics(made).catch(() => {})));
  }

  const since = (mark, of) => kept[of].map(({ id }) => id).filter((id) => Number(id.slice(1)) > mark);

  const value = {
    account,
    settle,
    mark: () => count,
    since: (mark) => ({ requests: since(mark, "requests"), sockets: since(mark, "sockets"), peers: since(mark, "peers") }),
    text: () => JSON.stringify(account()),
  };
  defineProperty(globalThis, "rtdiagWatch", { value, configurable: true });

  // --- where it goes -----------------------------------------------

  const target = script && !isOwnPage && /\/watch\.js$/.test(script) ? script.replace(/watch\.js$/, "watched") : "";
  const HOW = "copy(rtdiagWatch.text()), and paste that into the terminal: rtdiag explain -";
  let isForbidden = !target, toldHow = false, posted = -1, nextPost = 0, waiting = false, polling = false, polled = 0;

  function forbidden() {
    isForbidden = true;
    if (!toldHow) ownConsole(`rtdiag: the run is over, or this page may not tell it anything. When it has failed, type here: ${HOW}`);
    toldHow = true;
  }

  function post() {
    if (isForbidden || posted === happened || now() < nextPost) return;
    const body = JSON.stringify(account());
    posted = happened;
    nextPost = now() + Math.max(EVERY_MS / 2, (body.length / CHARACTERS_PER_S) * 1000);
    const init = { method: "POST", mode: "no-cors", credentials: "omit", cache: "no-store", body };
    apply(then, apply(ownFetch, globalThis, [target, init]), [undefined, () => target && forbidden()]);
  }

  /** Soon, when what happens now is done. */
  function hurry() {
    if (waiting || isForbidden) return;
    waiting = true;
    later(() => {
      waiting = false;
      nextPost = 0;
      quietly(post);
    }, 50);
  }

  /** Asks for statistics soon. */
  function poll() {
    if (polling) return;
    polling = true;
    later(() => {
      polling = false;
      settle().catch(() => {});
    }, 200);
  }

  function tick() {
    const open = [...owners.values()].some(({ pc }) => pc);
    if (open && polled < LONGEST_POLLED_S && ++polled % 2 === 0) poll();
    quietly(post);
    later(tick, EVERY_MS);
  }

  /** What happened since the last post, which is less than a second; more than a browser keeps alive is tried all the same. */
  function leave() {
    isDone = true;
    if (isForbidden) return;
    const text = JSON.stringify(account());
    if (text.length > MOST_KEPT_ALIVE || !beacon?.(target, text)) {
      nextPost = 0;
      post();
    }
  }

  listen(globalThis, ["pagehide"], leave);
  if (target) {
    if (isLate) ownConsole("rtdiag records from now on; what the page did before is not in it.");
    later(tick, EVERY_MS);
  } else if (!isOwnPage) {
    const what = isLate ? "from now on; what the page did before is not in it" : "what this page does";
    ownConsole(`rtdiag records ${what}. When it has failed, type here: ${HOW}`);
    later(tick, EVERY_MS);
  }
})();

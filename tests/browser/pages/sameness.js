// Looks at everything that watch.js stands in for as a distrustful page would; `sameness()` comes to what it saw, by name.
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const name = (error) => `${error.name}: ${error.message}`;
const tried = (work) => {
  try {
    return String(work());
  } catch (error) {
    return name(error);
  }
};
const said = async (work) => {
  try {
    return String(await work());
  } catch (error) {
    return name(error);
  }
};
const flags = (holder, key) => {
  const { value, get, set, ...others } = Object.getOwnPropertyDescriptor(holder, key);
  return { ...others, value: typeof value, get: typeof get, set: typeof set };
};

const FUNCTIONS = {
  fetch: [globalThis, "fetch"],
  Request: [globalThis, "Request"],
  clone: [Request.prototype, "clone"],
  WebSocket: [globalThis, "WebSocket"],
  send: [WebSocket.prototype, "send"],
  open: [XMLHttpRequest.prototype, "open"],
  setRequestHeader: [XMLHttpRequest.prototype, "setRequestHeader"],
  xhrSend: [XMLHttpRequest.prototype, "send"],
  RTCPeerConnection: [globalThis, "RTCPeerConnection"],
  setLocalDescription: [RTCPeerConnection.prototype, "setLocalDescription"],
  setRemoteDescription: [RTCPeerConnection.prototype, "setRemoteDescription"],
  createDataChannel: [RTCPeerConnection.prototype, "createDataChannel"],
  close: [RTCPeerConnection.prototype, "close"],
  channelSend: [RTCDataChannel.prototype, "send"],
  getUserMedia: [MediaDevices.prototype, "getUserMedia"],
  play: [HTMLMediaElement.prototype, "play"],
  error: [console, "error"],
  toString: [Function.prototype, "toString"],
};

function looks() {
  const seen = {};
  for (const [called, [holder, key]] of Object.entries(FUNCTIONS)) {
    const own = holder[key];
    seen[called] = {
      name: own.name,
      length: own.length,
      text: `${own}`,
      spelt: Function.prototype.toString.call(own),
      keys: Reflect.ownKeys(own).map(String).sort(),
      flags: flags(holder, key),
      proto: Object.getPrototypeOf(own) === Function.prototype || Object.getPrototypeOf(own) === EventTarget,
    };
  }
  seen.window = Object.keys(globalThis).sort();
  seen.ofPeers = Reflect.ownKeys(RTCPeerConnection.prototype).map(String).sort();
  seen.srcObject = flags(HTMLMediaElement.prototype, "srcObject");
  return seen;
}

function classes() {
  class Peer extends RTCPeerConnection {
    constructor(...args) {
      super(...args);
      this.own = true;
    }
    close() {
      super.close();
      return "closed by the subclass";
    }
  }
  const peer = new Peer({ iceServers: [] });
  const plain = new RTCPeerConnection();
  const seen = {
    subclass: [peer instanceof Peer, peer instanceof RTCPeerConnection, peer.constructor === Peer, peer.own, peer.close()],
    plain: [plain instanceof RTCPeerConnection, plain.constructor === RTCPeerConnection, `${plain}`],
    proto: Object.getPrototypeOf(plain) === RTCPeerConnection.prototype,
    own: Reflect.ownKeys(plain).length,
    alias: globalThis.webkitRTCPeerConnection === undefined || globalThis.webkitRTCPeerConnection === RTCPeerConnection,
    badServer: tried(() => new RTCPeerConnection({ iceServers: [{ urls: "nonsense" }] })),
    called: tried(() => RTCPeerConnection()),
    constants: [WebSocket.CONNECTING, WebSocket.OPEN, WebSocket.CLOSED],
    badUrl: tried(() => new WebSocket("nonsense://here")),
    badProtocol: tried(() => new WebSocket("ws://127.0.0.1:9", ["with blank"])),
    early: tried(() => new WebSocket("ws://127.0.0.1:9").send("too early")),
    notMine: tried(() => RTCPeerConnection.prototype.close.call({})),
    frozen: tried(() => Object.isFrozen(Object.freeze(new WebSocket("ws://127.0.0.1:9", Object.freeze(["realtime"])).send))),
    request: [new Request("/", { method: "POST", body: "a" }) instanceof Request, new Request("/").constructor === Request],
  };
  plain.close();
  return seen;
}

/** A page's own wrapper, as error trackers put it there, and its calls before and after. */
async function wrapped() {
  const before = fetch, calls = [];
  globalThis.fetch = function (...args) {
    calls.push(args.length);
    return before.apply(this, args);
  };
  const status = (await fetch("/token")).status;
  globalThis.fetch = before;
  return [status, calls, fetch === before];
}

async function requests() {
  const told = [];
  addEventListener("unhandledrejection", (event) => (told.push(name(event.reason)), event.preventDefault()));
  fetch("http://127.0.0.1:9/forgotten");
  const caught = await said(() => fetch("http://127.0.0.1:9/caught"));
  const controller = new AbortController();
  const aborted = said(() => fetch("/token", { signal: controller.signal }));
  controller.abort();
  const asked = new Request("/token", { method: "POST", body: "of a Request" });
  const status = (await fetch(asked)).status;
  const response = await fetch("/token", { method: "POST", body: new URLSearchParams({ a: "b" }) });
  const before = [response.bodyUsed, response.body.locked, response.type, response.url.slice(-6), response instanceof Response];
  const reader = response.body.getReader();
  const { done } = await reader.read();
  const again = await fetch("/token");
  const copy = again.clone();
  const texts = [(await again.text()).length > 0, (await copy.json()).value.length > 0];
  const left = await fetch("/token");
  const cancelled = await Promise.race([left.body.cancel().then(() => "cancelled"), pause(3000).then(() => "hangs")]);
  const once = [["x-a", "b"]][Symbol.iterator]();
  const headers = new Map([["x-b", "c"]]);
  const ofIterator = await said(async () => (await fetch("/token", { headers: { [Symbol.iterator]: () => once } })).status);
  const ofMap = (await fetch("/token", Object.freeze({ headers }))).status;
  addEventListener("error", (event) => (told.push(event.message), event.preventDefault()), { once: true });
  setTimeout(() => new WebSocket("nonsense://here"));
  await pause(300);
  return {
    caught, aborted: await aborted, told, status, used: asked.bodyUsed, before, done, texts, cancelled, ofIterator, ofMap,
    badThis: await said(() => fetch.call({}, "/token")), noArguments: await said(() => fetch()), promise: fetch("/token") instanceof Promise,
  };
}

function xhr(url, type) {
  return new Promise((done) => {
    const own = new XMLHttpRequest(), events = [];
    for (const event of ["readystatechange", "load", "error", "loadend"]) own.addEventListener(event, () => events.push(event));
    own.onloadend = () => setTimeout(() => done([events.join(" "), own.status, typeof own.response, `${own.upload}`]));
    own.open("POST", url);
    own.responseType = type;
    own.setRequestHeader("x-one", "1");
    own.send("body");
  });
}

/** In which order a page hears of a connection to itself. */
async function peers() {
  const [one, other] = [new RTCPeerConnection(), new RTCPeerConnection()], events = [];
  for (const pc of [one, other]) pc.onsignalingstatechange = () => events.push(`${pc === one ? 1 : 2} ${pc.signalingState}`);
  one.onicecandidate = ({ candidate }) => candidate && other.addIceCandidate(candidate);
  other.onicecandidate = ({ candidate }) => candidate && one.addIceCandidate(candidate);
  const channel = one.createDataChannel("both ways", { ordered: true });
  const heard = new Promise((done) => (other.ondatachannel = (event) => (event.channel.onmessage = ({ data }) => done(data))));
  await one.setLocalDescription();
  await other.setRemoteDescription(one.localDescription);
  await other.setLocalDescription();
  events.push(`then ${other.signalingState}`);
  await one.setRemoteDescription(other.localDescription);
  await new Promise((done) => (channel.onopen = done));
  channel.send("hello");
  const refused = await said(() => one.setRemoteDescription({ type: "answer", sdp: '{"error": {}}' }));
  const binary = tried(() => channel.send(new Uint8Array(3)));
  const message = await heard;
  one.close();
  other.close();
  return { events, message, refused: refused.split(":")[0], binary, after: tried(() => channel.send("late")).split(":")[0] };
}

async function microphone() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const nothing = await said(() => navigator.mediaDevices.getUserMedia({}));
  const element = new Audio();
  element.srcObject = stream;
  const same = element.srcObject === stream;
  element.srcObject = null;
  stream.getTracks().forEach((track) => track.stop());
  return [stream instanceof MediaStream, nothing, same, tried(() => (element.srcObject = 3))];
}

async function sameness() {
  return {
    looks: looks(),
    classes: classes(),
    wrapped: await wrapped(),
    requests: await requests(),
    xhr: [await xhr("/token", "json"), await xhr("/token", ""), await xhr("http://127.0.0.1:9/", "text")],
    peers: await peers(),
    microphone: await microphone(),
  };
}

// Asks the same under each of the faults that it is given, and tells the site what it could read, and of some what it could hear.
// A fault stands in each URL: so no preflight is answered out of the browser's cache, and a line of the console says whose it is.
const API = "https://api.openai.com/v1/realtime";
const MADE_UP = "ek_FAKE00000000000000000000000000000000";

const post = (path, body) => fetch(path, { method: "POST", body });
const token = async () => (await (await post("/token")).json()).value;

// The status of the answer, its Location and its text; or the status 0 for one that may not be read.
function offer(fault, credential, sdp, { more = {}, credentials = "same-origin" } = {}) {
  const headers = { Authorization: `Bearer ${credential}`, "Content-Type": "application/sdp", ...more };
  return fetch(`${API}/calls?under=${fault}`, { method: "POST", body: sdp, headers, credentials }).then(
    async (answer) => ({ status: answer.status, location: answer.headers.get("Location"), text: await answer.text() }),
    () => ({ status: 0, location: null }),
  );
}

const refused = async (fault, ...more) => (await offer(fault, MADE_UP, "v=0", ...more)).status;
const beside = (fault, name) => refused(fault, { more: { [name]: "1" } });

// What a request that asks for no reading gets: `opaque` wherever it arrived.
function reached(fault) {
  const there = fetch(`${API}/calls?under=${fault}`, { method: "POST", mode: "no-cors", body: "v=0" });
  return there.then(({ type }) => type, () => "nothing");
}

// The type of a socket's first event, or the code that it is closed with.
async function socket(fault) {
  const url = `${API}?model=gpt-realtime&under=${fault}`.replace("http", "ws");
  const opened = new WebSocket(url, ["realtime", `openai-insecure-api-key.${await token()}`]);
  return new Promise((done) => {
    opened.onmessage = ({ data }) => done(JSON.parse(data).type);
    opened.onclose = ({ code }) => done(code);
  }).finally(() => opened.close());
}

// A peer, its channel, and what was answered to its offer.
async function call(fault) {
  const pc = new RTCPeerConnection();
  pc.addTransceiver("audio");
  const channel = pc.createDataChannel("oai-events");
  await pc.setLocalDescription(await pc.createOffer());
  return { pc, channel, answer: await offer(fault, await token(), pc.localDescription.sdp) };
}

async function counted(pc) {
  const stats = [...(await pc.getStats()).values()];
  const sound = stats.find(({ type }) => type === "inbound-rtp");
  const pair = stats.find((one) => one.type === "candidate-pair" && one.nominated && one.state === "succeeded");
  const { protocol } = stats.find(({ id }) => id === pair?.remoteCandidateId) ?? {};
  return { protocol, packets: sound?.packetsReceived > 0, energy: sound?.totalAudioEnergy > 0 };
}

// Asks for a response and plays it, until it is heard or said to be over.
async function heard({ pc, channel, answer }) {
  let over = false;
  pc.ontrack = ({ streams }) => {
    const voice = new Audio();
    voice.srcObject = streams[0];
    voice.play();
  };
  const begun = new Promise((done) => {
    channel.onmessage = ({ data }) => {
      const { type } = JSON.parse(data);
      if (type === "session.created") channel.send(JSON.stringify({ type: "response.create" }));
      if (type === "output_audio_buffer.started") done();
      over ||= type === "output_audio_buffer.stopped";
    };
  });
  await pc.setRemoteDescription({ type: "answer", sdp: answer.text });
  await begun;
  while (!over && !(await counted(pc)).energy) await new Promise((next) => setTimeout(next, 50));
  return counted(pc).finally(() => pc.close());
}

async function asked(fault, more) {
  const made = await call(fault);
  const read = {
    reached: await reached(fault),
    refused: await refused(fault),
    beside: await Promise.all(more.map((name) => beside(fault, name))),
    "with cookies": await refused(fault, { credentials: "include" }),
    answer: made.answer.status,
    location: made.answer.location !== null,
    socket: await socket(fault),
  };
  return { made, read };
}

async function all() {
  await navigator.mediaDevices.getUserMedia({ audio: true }); // who listens may play without a click: else chromium hears nothing
  const given = await (await fetch("given.js")).json();
  const told = {};
  const sounds = {};
  for (const fault of given.faults) {
    await post("/under", fault);
    const { made, read } = await asked(fault, given.more);
    told[fault] = read;
    if (given.heard.includes(fault)) sounds[fault] = heard(made);
    else made.pc.close();
  }
  for (const [fault, sound] of Object.entries(sounds)) Object.assign(told[fault], await sound);
  return told;
}

const tell = (told) => post("/told", JSON.stringify(told));
all().then(tell, (error) => tell({ "": `${error}` }));

// Opens a session with a microphone, hears some of a response, has the server keep what it heard, and tells the site which way that went.
const tell = (told) => fetch("/told", { method: "POST", body: JSON.stringify(told) });

async function counted(pc) {
  const stats = [...(await pc.getStats()).values()];
  const pair = stats.find((one) => one.type === "candidate-pair" && one.nominated && one.state === "succeeded");
  const heard = stats.find((one) => one.type === "inbound-rtp")?.packetsReceived ?? 0;
  return { heard, protocol: stats.find((one) => one.id === pair?.remoteCandidateId)?.protocol };
}

async function over() {
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  const token = (await (await fetch("/token", { method: "POST" })).json()).value;
  const pc = new RTCPeerConnection();
  pc.addTrack(microphone.getAudioTracks()[0], microphone);
  const channel = pc.createDataChannel("oai-events");
  const say = (type) => channel.send(JSON.stringify({ type }));
  const began = performance.now();
  let opened_ms = null;
  channel.onmessage = async ({ data }) => {
    const { type, error } = JSON.parse(data);
    if (type === "session.created") opened_ms = performance.now() - began;
    if (type === "session.created") say("response.create");
    if (type === "output_audio_buffer.started") {
      while ((await counted(pc)).heard < 10) await new Promise((done) => setTimeout(done, 50));
      say("input_audio_buffer.commit");
    }
    if (type === "input_audio_buffer.committed" || error) await tell({ ...(await counted(pc)), type, error, opened_ms });
  };
  const offer = await pc.createOffer();
  await pc.setLocalDescription(offer);
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" };
  const answer = await fetch("https://api.openai.com/v1/realtime/calls", { method: "POST", body: offer.sdp, headers });
  await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
}

over().catch((error) => tell({ error: `${error}` }));

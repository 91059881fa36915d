// Asks for one response, plays it, and says what the browser counted: developers.openai.com/api/docs/guides/realtime-webrtc (2026).
async function listen() {
  const token = (await (await fetch("/token", { method: "POST" })).json()).value;
  const pc = new RTCPeerConnection();
  pc.ontrack = ({ streams, track }) => {
    console.log(`track ${streams[0].id} ${track.kind}`);
    document.getElementById("voice").srcObject = streams[0];
  };
  pc.addTransceiver("audio");
  const channel = pc.createDataChannel("oai-events");
  channel.onmessage = async ({ data }) => {
    const event = JSON.parse(data);
    if (event.type === "session.created") channel.send(JSON.stringify({ type: "response.create" }));
    if (event.type !== "output_audio_buffer.stopped") return;
    const inbound = [...(await pc.getStats()).values()].find(({ type }) => type === "inbound-rtp");
    console.log(`counted ${JSON.stringify({ ...inbound, played_s: document.getElementById("voice").currentTime })}`);
  };
  const offer = await pc.createOffer();
  await pc.setLocalDescription(offer);
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" };
  const answer = await fetch("https://api.openai.com/v1/realtime/calls", { method: "POST", body: offer.sdp, headers });
  await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
}

document.getElementById("listen").addEventListener("click", listen);

// The thread's page as today's API wants it: developers.openai.com/api/docs/guides/realtime-webrtc (2026).
const show = (id, text) => (document.getElementById(id).textContent = text);

function heard(event) {
  document.getElementById("events").append(Object.assign(document.createElement("li"), { textContent: JSON.stringify(event) }));
  if (event.type === "conversation.item.input_audio_transcription.completed") show("transcript", event.transcript);
  if (event.type === "error") show("error", event.error.message);
}

async function record() {
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  const minted = await fetch("/token", { method: "POST" });
  if (!minted.ok) throw new Error(`token: ${minted.status} ${await minted.text()}`);
  const token = (await minted.json()).value;

  const pc = new RTCPeerConnection();
  pc.onconnectionstatechange = () => show("status", pc.connectionState);
  pc.addTrack(microphone.getAudioTracks()[0], microphone);
  const channel = pc.createDataChannel("oai-events");
  channel.onmessage = ({ data }) => heard(JSON.parse(data));

  const offer = await pc.createOffer();
  await pc.setLocalDescription(offer);
  const response = await fetch("https://api.openai.com/v1/realtime/calls", {
    method: "POST",
    body: offer.sdp,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" },
  });
  const sdp = await response.text();
  if (!response.ok) throw new Error(`offer: ${response.status} ${sdp}`);
  await pc.setRemoteDescription({ type: "answer", sdp });
  show("call", response.headers.get("Location"));
  window.send = (event) => channel.send(JSON.stringify(event));
}

document.getElementById("record").addEventListener("click", () => record().catch((error) => show("error", error.message)));

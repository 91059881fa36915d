// Written after community.openai.com 1148799 (2025-03), with its mistakes: see the tests for what comes of each.
const show = (id, text) => (document.getElementById(id).textContent = text);

async function record() {
  try {
    show("status", "Starting");
    const token = await (await fetch("/token", { method: "POST" })).json();

    const pc = new RTCPeerConnection();
    const speaker = Object.assign(new Audio(), { autoplay: true });
    pc.ontrack = ({ streams }) => (speaker.srcObject = streams[0]);
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    pc.addTrack(microphone.getTracks()[0]);

    const channel = pc.createDataChannel("oai-events");
    channel.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      console.log("On the channel:", message);
      if (message.type === "transcription") show("transcript", message.transcription.text);
    };

    const offer = await pc.createOffer();
    await pc.setLocalDescription(offer);
    const baseUrl = "https://api.openai.com/v1/realtime/transcription_sessions";
    const model = "gpt-4o-transcribe";
    const response = await fetch(`${baseUrl}?model=${model}`, {
      method: "POST",
      body: offer.sdp,
      headers: { Authorization: `Bearer ${token.value}`, "Content-Type": "application/sdp" },
    });
    const sdp = await response.text();
    console.log("The SDP:", sdp);
    await pc.setRemoteDescription({ type: "answer", sdp });
    show("status", "Recording");
  } catch (error) {
    console.error("It did not start:", error);
    show("error", `Error: ${error instanceof Error ? error.message : String(error)}`);
    show("status", "Error");
  }
}

document.getElementById("record").addEventListener("click", record);

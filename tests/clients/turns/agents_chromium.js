// @openai/agents-realtime in a browser, over WebRTC, configured by the transport's `baseUrl` and the session's `apiKey`, a token.
// Its microphone, an option too, says the speech when it is told to. Bundled by esbuild; `talk` is called by ../in_chromium.py.
import { OpenAIRealtimeWebRTC, RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";

const RATE_HZ = 24000;
const seen = {};

function saw(step) {
  Object.assign(seen, step);
  console.log(JSON.stringify(step));
}

const weather = tool({
  name: "get_weather",
  description: "The weather in a city",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false },
  execute: (given) => {
    saw({ called: ["get_weather", given] });
    return "Sunny, 21 degrees.";
  },
});

// PCM16 as base64 -> a microphone's stream, and what says the speech into it, each time anew
function microphone(speech) {
  const context = new AudioContext();
  const bytes = Uint8Array.from(atob(speech), (letter) => letter.charCodeAt(0));
  const samples = Float32Array.from(new Int16Array(bytes.buffer), (sample) => sample / 32768);
  const buffer = context.createBuffer(1, samples.length, RATE_HZ);
  buffer.copyToChannel(samples, 0);
  const into = context.createMediaStreamDestination();
  const speak = () => {
    const said = new AudioBufferSourceNode(context, { buffer });
    said.connect(into);
    said.start();
  };
  return [into.stream, speak];
}

async function inbound(connection) {
  const all = [...(await connection.getStats()).values()];
  return all.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
}

window.talk = async (url, speech) => {
  const [mediaStream, speak] = microphone(speech);
  const { value } = await (await fetch("/token", { method: "POST" })).json();
  const transport = new OpenAIRealtimeWebRTC({ baseUrl: url, mediaStream });
  const agent = new RealtimeAgent({ name: "Weather", instructions: "Tell the weather.", tools: [weather] });
  const session = new RealtimeSession(agent, {
    transport,
    config: { audio: { input: { turnDetection: { type: "server_vad" } } } },
  });
  const { promise, resolve, reject } = Promise.withResolvers();
  session.on("error", ({ error }) => reject(new Error(JSON.stringify(error))));
  transport.on("*", async ({ type, response }) => {
    if (type === "session.updated" && !seen.connected) {
      saw({ connected: transport.status });
      speak();
    }
    if (type === "output_audio_buffer.started") await heard();
    if (type === "response.done" && response.status === "cancelled") {
      saw({ interrupted: response.status_details.reason });
      resolve();
    }
  });

  // what the browser itself counts of the reply, once it is no silence any more
  async function heard() {
    const { peerConnection } = transport.connectionState;
    for (;;) {
      const { packetsReceived, totalAudioEnergy, totalSamplesDuration } = await inbound(peerConnection);
      if (totalAudioEnergy > 0.001) {
        saw({ heard_ms: Math.round(totalSamplesDuration * 1000), packetsReceived, totalAudioEnergy });
        return speak();
      }
      await new Promise(requestAnimationFrame);
    }
  }

  await session.connect({ apiKey: value });
  await promise;
  session.close();
};

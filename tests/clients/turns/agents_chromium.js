// @openai/agents-realtime in a browser, over WebRTC, configured by the transport's `baseUrl` and the session's `apiKey`, a token.
// Its microphone, an option too, says the speech when it is told to. Bundled by esbuild; `talk` is called by ../in_chromium.py.
import { OpenAIRealtimeWebRTC, RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";

const RATE_HZ = 24000;
const AUDIBLE = 0.001; // of totalAudioEnergy, where a second of full scale counts 1
const PACKET_MS = 20;
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

async function counted(connection) {
  const stats = [...(await connection.getStats()).values()];
  return stats.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
}

// Waits until what has come in since `before` is no silence
async function audible(connection, before) {
  while ((await counted(connection)).totalAudioEnergy - before.totalAudioEnergy < AUDIBLE) await new Promise(requestAnimationFrame);
}

window.talk = async (url, speech) => {
  const [mediaStream, speak] = microphone(speech);
  const { value } = await (await fetch("/token", { method: "POST" })).json();
  const transport = new OpenAIRealtimeWebRTC({ baseUrl: `${url}/calls`, mediaStream });
  const agent = new RealtimeAgent({ name: "Weather", instructions: "Tell the weather.", tools: [weather] });
  const session = new RealtimeSession(agent, {
    transport,
    config: { audio: { input: { turnDetection: { type: "server_vad" } } } },
  });
  let before; // the counts where the reply to the function's result begins
  const { promise, resolve, reject } = Promise.withResolvers();
  session.on("error", ({ error }) => reject(new Error(JSON.stringify(error))));
  transport.on("*", async ({ type }) => {
    if (type === "session.updated" && !seen.connected) {
      saw({ connected: transport.status });
      speak();
    }
    const { peerConnection } = transport.connectionState;
    if (type === "output_audio_buffer.started" && seen.called) {
      before = await counted(peerConnection);
      await audible(peerConnection, before);
      speak();
    }
    if (type === "output_audio_buffer.cleared" && before) {
      const packets = (await counted(peerConnection)).packetsReceived - before.packetsReceived;
      saw({ heard_ms: packets * PACKET_MS, interrupted: type });
      resolve();
    }
  });

  await session.connect({ apiKey: value });
  await promise;
  session.close();
};

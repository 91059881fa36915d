// @openai/agents-realtime in Node, over its WebSocket, configured by the transport's `url` and the session's `apiKey`.
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";
import { BASE_URL, CITY, KEY, MODEL, SUNNY, ms, pieces, saw } from "./turn.mjs";

const weather = tool({
  name: "get_weather",
  description: "The weather in a city",
  parameters: CITY,
  execute: (given) => {
    saw({ called: ["get_weather", given] });
    return SUNNY;
  },
});
const agent = new RealtimeAgent({ name: "Weather", instructions: "Tell the weather.", tools: [weather] });
const url = `${BASE_URL.replace("http", "ws")}/realtime?model=${MODEL}`;
const transport = new OpenAIRealtimeWebSocket({ url });
const session = new RealtimeSession(agent, {
  transport,
  model: MODEL,
  config: { audio: { input: { turnDetection: { type: "server_vad" } } } },
});
let heard = 0;
let interrupted = false;

function speak() {
  for (const piece of pieces()) session.sendAudio(new Uint8Array(piece).buffer);
}

session.on("error", ({ error }) => {
  throw new Error(JSON.stringify(error));
});
session.on("audio", ({ data }) => {
  if (!heard) speak();
  heard += data.byteLength;
});
session.on("audio_interrupted", () => (interrupted = true));
transport.on("response.done", ({ response }) => {
  if (!interrupted || response.status !== "cancelled") return;
  saw({ heard_ms: ms(heard), interrupted: response.status_details.reason });
  session.close();
});
transport.once("session.updated", ({ session: { model } }) => {
  saw({ connected: model });
  speak();
});
await session.connect({ apiKey: KEY });

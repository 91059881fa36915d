// ai and @ai-sdk/openai (npm): `experimental_realtime`, configured by `baseURL`, `apiKey` and NODE_EXTRA_CA_CERTS. Its session
// object is for browsers; in Node the model mints, says where to connect and translates the events, over a socket of one's own.
import { createOpenAI } from "@ai-sdk/openai";
import { BASE_URL, CITY, KEY, MODEL, SUNNY, ms, pieces, saw } from "./turn.mjs";

const provider = createOpenAI({ baseURL: BASE_URL, apiKey: KEY });
const model = provider.experimental_realtime(MODEL);
const tools = [{ type: "function", name: "get_weather", description: "The weather in a city", parameters: CITY }];
const { token, url } = await provider.experimental_realtime.getToken({ model: MODEL, sessionConfig: { tools } });
const config = model.getWebSocketConfig({ token, url });
const socket = new WebSocket(config.url, config.protocols);
let heard = 0;
let called = false;

const send = (event) => socket.send(JSON.stringify(model.serializeClientEvent(event)));

function speak() {
  for (const piece of pieces()) send({ type: "input-audio-append", audio: piece.toString("base64") });
}

const on = {
  "session-updated": () => {
    saw({ connected: MODEL });
    speak();
  },
  "function-call-arguments-done": ({ callId, name, arguments: given }) => {
    saw({ called: [name, given] });
    send({ type: "conversation-item-create", item: { type: "function-call-output", callId, name, output: SUNNY } });
    called = true;
  },
  "audio-delta": ({ delta }) => {
    if (!heard) speak();
    heard += Buffer.from(delta, "base64").length;
  },
  "response-done": ({ status, raw }) => {
    if (status === "cancelled") {
      saw({ heard_ms: ms(heard), interrupted: raw.response.status_details.reason });
      socket.onerror = null; // Node's socket tells one where the last frames, compressed, come with the close
      socket.close();
    } else if (called && !heard) send({ type: "response-create" });
  },
  error: ({ message }) => {
    throw new Error(message);
  },
};

socket.onerror = ({ message, error }) => {
  throw error ?? new Error(message);
};
socket.onmessage = ({ data }) => [model.parseServerEvent(JSON.parse(data))].flat().forEach((event) => on[event.type]?.(event));
socket.onopen = () => send({ type: "session-update", config: { tools } });

// ai (npm) in a browser: its realtime session over a socket, configured by the session's `api`, with a token that the page's server
// minted. Bundled by esbuild; `talk` is called by ../in_chromium.py.
import { createOpenAI } from "@ai-sdk/openai";
import { Experimental_AbstractRealtimeSession as RealtimeSession } from "ai";

const MODEL = "gpt-realtime";
const PIECE_CHARACTERS = 6400; // of base64, a tenth of a second
const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", name: "get_weather", description: "The weather in a city", parameters: CITY }];
const seen = {};

// What the packages for React, Vue and Svelte do too: the session's state is kept by who shows it
class Session extends RealtimeSession {
  setState(key, value) {
    this.state = { ...this.state, [key]: value };
    if (value === "connected") saw({ connected: value });
  }
}

function saw(step) {
  Object.assign(seen, step);
  console.log(JSON.stringify(step));
}

window.talk = async (url, speech) => {
  const { value } = await (await fetch("/token", { method: "POST" })).json();
  const model = createOpenAI({ apiKey: value }).experimental_realtime(MODEL);
  const { protocols } = model.getWebSocketConfig({ token: value, url });
  const { promise, resolve, reject } = Promise.withResolvers();
  let heard = 0;

  function speak() {
    for (let at = 0; at < speech.length; at += PIECE_CHARACTERS) session.sendAudio(speech.slice(at, at + PIECE_CHARACTERS));
  }

  const on = {
    "session-updated": speak,
    "audio-delta": ({ delta }) => {
      if (!seen.called) return; // what the model says before it calls
      if (!heard) speak();
      heard += atob(delta).length;
    },
    "response-done": ({ status, raw }) => {
      if (status !== "cancelled") return;
      saw({ heard_ms: Math.floor(heard / 48), interrupted: raw.response.status_details.reason });
      resolve();
    },
  };

  const session = new Session({
    model,
    api: { websocket: `${url.replace("http", "ws")}?model=${MODEL}`, protocols },
    sessionConfig: { tools },
    onToolCall: ({ toolCall: { toolName, args } }) => {
      saw({ called: [toolName, args] });
      return "Sunny, 21 degrees.";
    },
    onEvent: (event) => on[event.type]?.(event),
    onError: reject,
  });
  await session.connect();
  await promise;
  session.dispose();
};

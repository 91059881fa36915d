// Bundled by esbuild before it is handed out. Where the session goes is an option of the package, nothing is replaced in it.
import { OpenAIRealtimeWebRTC, OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } from "@openai/agents-realtime";

const TRANSPORTS = {
  webrtc: (url) => new OpenAIRealtimeWebRTC({ baseUrl: url }),
  websocket: (url) => new OpenAIRealtimeWebSocket({ url }),
};

const show = (id, text) => (document.getElementById(id).textContent = text);

function heard(event) {
  const line = Object.assign(document.createElement("li"), { textContent: JSON.stringify(event) });
  document.getElementById("events").append(line);
}

window.connect = async (name, url) => {
  const { value } = await (await fetch("/token", { method: "POST" })).json();
  const transport = TRANSPORTS[name](url);
  transport.on("*", heard);
  const agent = new RealtimeAgent({ name: "Echo", instructions: "Say back what is said." });
  const session = new RealtimeSession(agent, { transport });
  session.on("agent_end", (_context, _agent, output) => show("said", output));
  session.on("error", ({ error }) => show("state", JSON.stringify(error)));
  await session.connect({ apiKey: value });
  show("state", transport.status);
  session.sendMessage("Hello");
};

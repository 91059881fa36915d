// openai (npm): `OpenAIRealtimeWS`, configured by OPENAI_BASE_URL, OPENAI_API_KEY and NODE_EXTRA_CA_CERTS; it speaks wss alone.
import { OpenAI } from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { MODEL, SUNNY, WEATHER, ms, pieces, saw } from "./turn.mjs";

const connection = await OpenAIRealtimeWS.create(new OpenAI(), { model: MODEL });
let heard = 0;

function speak() {
  for (const piece of pieces()) connection.send({ type: "input_audio_buffer.append", audio: piece.toString("base64") });
}

connection.on("error", (error) => {
  throw error;
});
connection.on("session.created", () => connection.send({ type: "session.update", session: { type: "realtime", tools: [WEATHER] } }));
connection.on("session.updated", ({ session }) => {
  saw({ connected: session.model });
  speak();
});
connection.on("response.function_call_arguments.done", ({ name, arguments: given, call_id }) => {
  saw({ called: [name, given] });
  connection.send({ type: "conversation.item.create", item: { type: "function_call_output", call_id, output: SUNNY } });
});
connection.on("response.output_audio.delta", ({ delta }) => {
  if (!heard) speak();
  heard += Buffer.from(delta, "base64").length;
});
connection.on("response.done", ({ response }) => {
  if (response.status === "cancelled") {
    saw({ heard_ms: ms(heard), interrupted: response.status_details.reason });
    connection.close();
  } else if (response.output.some((item) => item.type === "function_call")) connection.send({ type: "response.create" });
});

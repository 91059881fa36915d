// What the JavaScript scripts share, as turn.py says it.
import { readFileSync } from "node:fs";

export const BASE_URL = process.env.OPENAI_BASE_URL;
export const KEY = process.env.OPENAI_API_KEY;
export const MODEL = "gpt-realtime";
export const RATE_HZ = 24000;
export const SUNNY = "Sunny, 21 degrees.";
export const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
export const WEATHER = { type: "function", name: "get_weather", description: "The weather in a city", parameters: CITY };

const SPEECH = readFileSync(process.env.SPEECH);
const PIECE_BYTES = (RATE_HZ / 10) * 2;

export function* pieces() {
  for (let at = 0; at < SPEECH.length; at += PIECE_BYTES) yield SPEECH.subarray(at, at + PIECE_BYTES);
}

export const ms = (pcmBytes) => Math.floor((pcmBytes * 1000) / (2 * RATE_HZ));

export const saw = (step) => console.log(JSON.stringify(step));

/* What an app's SDP offer has, or lacks, beside the one that this page has posted itself. Nothing of it leaves the page.

   What makes an API refuse an offer, or a session useless: RFC 8829 and RFC 8866; openai-openapi @ f85dbe2; the answers
   `invalid_offer` and `failed to unmarshal SDP: EOF` of public reports. */

const DIRECTION = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m;

/** Each difference that matters, in a sentence; `ours` may be "". An empty list: nothing that matters differs. */
export function differences(pasted, ours) {
  const found = [];
  const theirs = unwrapped(pasted, found);
  if (!/^v=0\s*$/m.test(theirs)) return [...found, "It is no SDP: that begins with v=0. Post offer.sdp, and nothing around it."];
  if (!/^v=0/.test(theirs)) found.push("Something stands before its first line, v=0: an API reads no such offer.");
  if (!/\n$/.test(theirs)) found.push("Its last line has no end. If your request has none, either, it is refused (EOF): do not trim an offer.");
  if (/^a=setup:(active|passive)\s*$/m.test(theirs)) found.push("It is an answer, not an offer: its a=setup is decided already.");
  for (const line of ["ice-ufrag", "ice-pwd", "fingerprint"])
    if (!new RegExp(`^a=${line}:`, "m").test(theirs)) found.push(`It has no a=${line}: something has taken lines out of it.`);
  const [own, mine] = [sections(theirs), sections(ours)];
  found.push(...ofAudio(own, mine));
  if (!own.application) found.push("It has no section for a data channel: make the channel before the offer, else no event will come.");
  if (own.video) found.push("It has a section for video, which no session of this API uses.");
  return [...found, ...bundle(theirs, own)];
}

function unwrapped(pasted, found) {
  let text = pasted.replace(/^\s+/, "").replaceAll("\r\n", "\n");
  try {
    const parsed = JSON.parse(text);
    text = typeof parsed === "string" ? parsed : String(parsed?.sdp ?? parsed?.offer?.sdp ?? "");
    found.push("It is wrapped in JSON: the API takes it as it is, as application/sdp, or as a part of a form.");
  } catch {
    // as it should be
  }
  if (/v=0(\\r)?\\n/.test(text)) {
    found.push("Its line ends are written out, as \\r\\n: it went through JSON once too often.");
    text = text.replaceAll("\\r", "").replaceAll("\\n", "\n");
  }
  return text.replaceAll("\r\n", "\n");
}

/** The first section of each kind of media, with its codecs. */
function sections(sdp) {
  const found = {};
  for (const part of sdp.split(/^(?=m=)/m).slice(1)) {
    const [kind, port] = part.slice(2).split(" ");
    const codecs = [...part.matchAll(/^a=rtpmap:\d+ ([\w-]+)\//gm)].map(([, name]) => name.toLowerCase());
    found[kind] ??= { port, codecs, direction: DIRECTION.exec(part)?.[1] ?? "sendrecv" };
  }
  return found;
}

function* ofAudio({ audio }, mine) {
  if (!audio) {
    yield "It has no section for audio, which the API refuses: add the microphone's track, or a transceiver, before the offer.";
    return;
  }
  if (audio.port === "0") yield "Its audio section has port 0: it is switched off.";
  const deaf = { inactive: "carries nothing", recvonly: "only receives: the API will not hear you", sendonly: "only sends: you will hear nothing" };
  if (audio.direction in deaf) yield `Its audio section ${deaf[audio.direction]}.`;
  if (!audio.codecs.includes("opus")) yield "Its audio section has no Opus.";
  const lacking = (mine.audio?.codecs ?? []).filter((name) => ["pcmu", "pcma"].includes(name) && !audio.codecs.includes(name));
  if (lacking.length) yield `It lacks ${lacking.join(" and ").toUpperCase()}, which this page's offer has.`;
}

function* bundle(sdp, own) {
  const grouped = /^a=group:BUNDLE(.*)$/m.exec(sdp)?.[1].trim().split(/\s+/);
  const mids = [...sdp.matchAll(/^a=mid:(\S+)/gm)].map(([, mid]) => mid);
  if (!grouped && Object.keys(own).length > 1) yield "It has no BUNDLE group, so each section wants a way of its own.";
  if (new Set(mids).size < mids.length || grouped?.some((mid) => !mids.includes(mid)))
    yield "Its BUNDLE group and its sections do not fit: something has changed it.";
}

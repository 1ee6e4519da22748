import { ProtocolError } from "./protocol-error.ts";
import { type Field, object, type Refuse, TEXT_CHARACTERS } from "./session-field.ts";
import { SESSION_VERSION } from "./session-frame.ts";
import { MESSAGES, versions } from "./session-message-fields.ts";
import type { SessionMessage } from "./session-message.ts";

/**
 * A message from its JSON text; undefined if it is an optional one that is not known here. Throws `ProtocolError`
 * `bad-message`, for a disk's name `bad-name`; `position` is that of its frame.
 */
export function parseMessage(bytes: Uint8Array, position: number): SessionMessage | undefined {
  return readMessage(parseJson(bytes, position), (fault, code) => {
    return new ProtocolError(code ?? "bad-message", `a session's message is not understood: ${fault}`, position);
  });
}

/**
 * The JSON text of a message: its known keys, in the order of the table. Throws `RangeError` for what `parseMessage()`
 * would not take.
 */
export function messageText(message: SessionMessage): string {
  if (message.say === "hello-other") throw unsendable("a hello of another version is only understood");
  const cut = "message" in message ? { ...message, message: message.message.slice(0, TEXT_CHARACTERS) } : message;
  return JSON.stringify(readMessage(cut, unsendable));
}

const unsendable: Refuse = (fault) => new RangeError(`a message cannot be sent: ${fault}`);

function parseJson(bytes: Uint8Array, position: number): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    // Whatever the engine says of a text (that it is nested too deeply, too), the peer has sent no message.
    throw new ProtocolError("bad-message", `a session's message of ${bytes.length} bytes is no JSON`, position, {
      cause,
    });
  }
}

function readMessage(value: unknown, refuse: Refuse): SessionMessage | undefined {
  const said = object(value, "a message", refuse);
  const say = said.get("say");
  if (typeof say !== "string") throw refuse("a message must have a text as its say");
  if (!isKnown(say)) {
    if (said.get("optional") === true) return undefined;
    throw refuse(`${JSON.stringify(say.slice(0, 64))} is not known`);
  }
  const other = say === "hello" ? otherHello(said, refuse) : undefined;
  return other ?? fieldsOf(say, said, refuse);
}

/** A HELLO without our version: of the rest nothing is known, not even its form. */
function otherHello(said: ReadonlyMap<string, unknown>, refuse: Refuse): SessionMessage | undefined {
  const [lowest, highest] = versions(said.get("versions"), "versions", refuse);
  if (lowest <= SESSION_VERSION && highest >= SESSION_VERSION) return undefined;
  return { say: "hello-other", versions: [lowest, highest] };
}

function fieldsOf(say: keyof typeof MESSAGES, said: ReadonlyMap<string, unknown>, refuse: Refuse): SessionMessage {
  const message = new Map<string, unknown>([["say", say]]);
  for (const [key, field] of Object.entries<Field<unknown>>(MESSAGES[say])) {
    const value = field(said.get(key), key, refuse);
    if (value !== undefined) message.set(key, value);
  }
  if (say === "welcome" && Number(message.get("window")) < Number(message.get("frameBytes"))) {
    throw refuse("window must not be less than frameBytes, or the longest frame could never be sent");
  }
  return Object.fromEntries(message) as unknown as SessionMessage; // each field of it was checked by its own row of MESSAGES
}

function isKnown(say: string): say is keyof typeof MESSAGES {
  return Object.hasOwn(MESSAGES, say); // "constructor" is none of them
}

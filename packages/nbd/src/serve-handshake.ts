import type { Connection, Segments } from "@blkmig/transport";

import { createHandshakeDecoder, type HandshakeFrame } from "./server-handshake.ts";
import type { Agreement, Negotiation, NegotiationStep } from "./server-negotiation.ts";
import { encodeGreeting } from "./server-option-replies.ts";

export interface HandshakeParts {
  readonly connection: Connection;
  readonly negotiation: Negotiation;
  /** Settles when nobody else is that link any more. */
  readonly fence: (link: NonNullable<NegotiationStep["fence"]>) => Promise<void>;
  /** TLS from here on; takes ownership, and gives it of what it gives. */
  readonly secure: (connection: Connection) => Promise<Connection>;
  /** It has said something that belongs to NBD. */
  readonly onWord: () => void;
  /** It has an export now, before it is told. */
  readonly onAgreed: (agreement: Agreement) => void;
}

/** How a negotiation went. `left`: it said ABORT, and `lastWord` is still to be said; `denied`: why it has no export that it wanted. */
export type HandshakeEnd =
  | { readonly end: "agreed"; readonly connection: Connection; readonly agreement: Agreement }
  | {
      readonly end: "left";
      readonly connection: Connection;
      readonly lastWord: Segments;
      readonly denied: string | undefined;
    }
  | { readonly end: "refused"; readonly why: string };

/** Negotiates with one client. Throws what its wire throws, and `NbdError` `protocol`. */
export async function shakeHands(parts: HandshakeParts): Promise<HandshakeEnd> {
  const { negotiation, fence, secure, onWord, onAgreed } = parts;
  let { connection } = parts;
  let denied: string | undefined;
  const decoder = createHandshakeDecoder(connection.peer);

  async function nextFrame(): Promise<HandshakeFrame | undefined> {
    for (;;) {
      const frame = decoder.next();
      if (frame) return frame;
      const bytes = await connection.read(decoder.want());
      if (bytes === 0) return undefined;
      decoder.accept(bytes);
    }
  }

  await connection.send([encodeGreeting()]);
  for (;;) {
    const frame = await nextFrame();
    if (!frame) return { end: "refused", why: "it went away before it had an export" };
    const step = negotiation.answer(frame);
    const { fence: link, send, next } = step;
    if (next.do !== "hang-up") onWord();
    denied = step.denied ?? denied;
    if (link) await fence(link);
    if (next.do === "transmit") onAgreed(next.agreement);
    if (next.do === "leave") return { end: "left", connection, lastWord: send, denied };
    if (send.length > 0) await connection.send(send);
    if (next.do === "secure") {
      connection = await secure(connection);
      negotiation.secured();
    }
    if (next.do === "hang-up") return { end: "refused", why: next.why };
    if (next.do === "transmit") return { end: "agreed", connection, agreement: next.agreement };
  }
}

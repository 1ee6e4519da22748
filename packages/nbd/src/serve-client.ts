import type { Clock } from "@blkmig/device";
import type { Connection } from "@blkmig/transport";

import type { NbdServerEvent } from "./nbd-contract.ts";
import { endAfter, sayFarewell } from "./serve-farewell.ts";
import { shakeHands } from "./serve-handshake.ts";
import { createTransmission, type Transmission } from "./serve-transmission.ts";
import type { MemoryShare } from "./server-memory.ts";
import type { Agreement, Negotiation, NegotiationStep } from "./server-negotiation.ts";

/** The only link to an export. */
export type Link = NonNullable<NegotiationStep["fence"]>;

/** One client, from its first byte until nothing of it is under way. */
export interface Client {
  readonly peer: string;
  /** Which export it has, or will have when it has been told; undefined while it chooses. */
  readonly exportName: string | undefined;
  /** `served`: something was done for it at the device, or it waits for an older link: it is here to stay. */
  readonly stage: "silent" | "spoke" | "served";
  /** Which link it is. */
  readonly link: Link | undefined;
  /** See `NbdServer.drop`. A client that still negotiates is hung up on at once. */
  hangUp(how: "finish" | "now", why: string): void;
  /** Settles when the connection is let go of and none of its requests is under way at the device. Never throws. */
  readonly gone: Promise<void>;
}

export interface ClientParts {
  readonly connection: Connection;
  readonly negotiation: Negotiation;
  readonly memory: MemoryShare;
  readonly requests: number;
  readonly handshakeMs: number;
  readonly clock: Clock;
  /** For a client that says STARTTLS. */
  readonly secure: (connection: Connection) => Promise<Connection>;
  /** Settles when nobody but `client` is that link any more. */
  readonly fence: (client: Client, link: Link) => Promise<void>;
  readonly onEvent: (event: NbdServerEvent) => void;
}

/** Serves one client; takes ownership of the connection. */
export function serveClient(parts: ClientParts): Client {
  const { negotiation, memory, requests, handshakeMs, clock, fence, onEvent } = parts;
  const { peer } = parts.connection;
  let { connection } = parts;
  let agreement: Agreement | undefined;
  let transmission: Transmission | undefined;
  let link: Link | undefined;
  let hasSpoken = false;
  let hungUp: Error | undefined;

  async function handshake(): Promise<Agreement | undefined> {
    let patience = startPatience();
    try {
      const end = await shakeHands({
        connection,
        negotiation,
        fence: async (wanted) => {
          link = wanted;
          patience.abort(); // a fence takes as long as a disk does: that is not the client's time
          await fence(client, wanted);
          patience = startPatience();
        },
        secure: async (clear) => {
          connection = await parts.secure(clear);
          if (hungUp) connection.destroy(hungUp); // meanwhile, when it was not known yet
          return connection;
        },
        onWord: () => (hasSpoken = true),
        // Before it is told: from here on it is one of those whom the end of the export concerns.
        onAgreed: (agreed) => (agreement = agreed),
      });
      if (end.end === "agreed") return end.agreement;
      if (end.end === "left") await sayFarewell(connection, end.lastWord, clock);
      const why = end.end === "left" ? end.denied : end.why;
      onEvent(why === undefined ? { type: "visited", peer } : { type: "refused", peer, why });
    } catch (error) {
      onEvent({ type: "refused", peer, why: (hungUp ?? (error as Error)).message });
    } finally {
      patience.abort();
    }
    return undefined;
  }

  /** Hangs up in a while, unless it is aborted. */
  function startPatience(): AbortController {
    const patience = new AbortController();
    void clock.sleep(handshakeMs, patience.signal).then(() => {
      if (!patience.signal.aborted) hangUpNow(`it took longer than ${handshakeMs} ms to choose an export`);
    });
    return patience;
  }

  async function transmit(agreed: Agreement): Promise<void> {
    const exportName = agreed.served.name;
    transmission = createTransmission({ connection, agreement: agreed, memory, requests });
    onEvent({ type: "joined", peer, exportName });
    let why: string | undefined;
    try {
      why = await transmission.asked;
    } catch (error) {
      why = (hungUp ?? (error as Error)).message;
      connection.destroy();
    }
    await transmission.quiet();
    await endAfter(connection, clock, transmission.ended);
    await transmission.ended;
    memory.leave();
    onEvent({ type: "left", peer, exportName, why });
  }

  async function serve(): Promise<void> {
    const agreed = await handshake();
    if (agreed) await transmit(agreed);
    connection.destroy();
  }

  function hangUpNow(why: string): void {
    hungUp ??= new Error(why);
    transmission?.abandon();
    connection.destroy(hungUp);
  }

  const client: Client = {
    peer,
    get exportName() {
      return agreement?.served.name;
    },
    get stage() {
      const waits = link !== undefined && agreement === undefined;
      if (waits || transmission?.hasBegun) return "served";
      return hasSpoken ? "spoke" : "silent";
    },
    get link() {
      return link;
    },
    hangUp(how, why) {
      if (how === "finish" && transmission) transmission.stop(why);
      else hangUpNow(why);
    },
    gone: Promise.resolve().then(serve), // in a turn of its own: `client` must be known when it begins
  };
  return client;
}

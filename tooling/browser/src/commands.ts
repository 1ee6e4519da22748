import { type Relay, relayInPairs } from "./relay-in-pairs.ts";
import { type Sender, startSender, type SenderOptions } from "./sender.ts";

/** What only Node.js can do for the tests in the browser, which call these by name. */
export interface NodeCommands {
  /** A relay's URL: whoever dials it first is joined with whoever dials next. */
  startRelay(origin: string): Promise<string>;
  stopRelays(): Promise<void>;
  /** Starts the real `blkmig send --listen` on a new disk. */
  startSender(options: SenderOptions): Promise<Pick<Sender, "url" | "size" | "sha256">>;
  /** How the sender at this URL ended, and what it said last. */
  senderEnd(url: string): Promise<{ readonly code: number | null; readonly last: string }>;
  /** Ends it if it has not ended. */
  stopSender(url: string): Promise<void>;
}

const senders = new Map<string, Sender>();
const relays = new Map<string, Relay>();

/** As vitest wants them: before its arguments comes where it was called. */
export const commands = {
  async startRelay(_context: unknown, origin: string): Promise<string> {
    const relay = relays.get(origin) ?? (await relayInPairs(origin));
    relays.set(origin, relay);
    return relay.url;
  },
  async stopRelays(): Promise<void> {
    for (const relay of relays.values()) await relay.close();
    relays.clear();
  },
  async startSender(_context: unknown, options: SenderOptions) {
    const sender = await startSender(options);
    senders.set(sender.url, sender);
    const { url, size, sha256 } = sender;
    return { url, size, sha256 };
  },
  async senderEnd(_context: unknown, url: string) {
    return senders.get(url)!.ended;
  },
  async stopSender(_context: unknown, url: string): Promise<void> {
    await senders.get(url)?.stop();
    senders.delete(url);
  },
};

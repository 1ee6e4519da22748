import { writeFileSync } from "node:fs";

import { createToken } from "@blkmig/transport/tls";
import { expect } from "vitest";

import { makeDisk, makeGarbage, sameFiles } from "./make-disks.test-kit.ts";
import { expectNextRun } from "./next-run.test-kit.ts";
import { expectNothingLeft } from "./nothing-left-behind.test-kit.ts";
import { type Relay, startRelay, type Watch } from "./relay.test-kit.ts";
import { type Ended, runBlkmig, type Running, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { type RecordWatch, watchRecords } from "./watch-records.test-kit.ts";

export type Role = "sender" | "receiver";

export interface MoveOptions {
  /** Of the sender, whenever it is started. */
  readonly options?: readonly string[];
  /** Those that are encrypted have a token. */
  readonly wire: "tcp" | "unix" | "ws" | "tls" | "wss";
  readonly size: number;
  readonly seed: number;
  /** What is at the target before. */
  readonly target: "garbage" | "nothing";
  /** Where the source is, and the target. Default: in folders of the test's own. */
  readonly from?: (name: string) => string;
  readonly to?: (name: string) => string;
  readonly watch?: Watch;
}

/** One disk on its way between two real processes, of which either may be killed and started again. */
export interface Move {
  readonly source: string;
  readonly target: string;
  readonly relay: Relay;
  readonly records: RecordWatch;
  /** How often somebody was started in this role. */
  readonly starts: Readonly<Record<Role, number>>;
  /** Settles when the receiver listens. */
  receive(...more: readonly string[]): Promise<Running>;
  send(...more: readonly string[]): Running;
  /** How it ends by itself. */
  ended(role: Role): Promise<Ended>;
  kill(role: Role): Promise<Ended>;
  /** Starts whoever is not there with --resume, until the disk has moved. Gives how both ended. */
  finish(): Promise<Readonly<Record<Role, Ended>>>;
  /** Both have ended: throws if the disk has not moved as it was, if it has two owners, if anything is left, or if it cannot be moved on. */
  expectWell(): Promise<void>;
}

/** How often a side may have to be started again. */
const TRIES = 4;

export async function createMove({ wire, size, seed, options = [], ...parts }: MoveOptions): Promise<Move> {
  const { from = temporaryFolder(), to = temporaryFolder() } = parts;
  const source = makeDisk(from("source"), size, seed);
  const target = parts.target === "garbage" ? makeGarbage(to("target"), size) : to("target");
  const env = { BLKMIG_STATE_DIR: to("state") };
  const [at, relayAt] = addressesOf(wire, to);
  const token = to("token");
  const isEncrypted = wire === "tls" || wire === "wss";
  if (isEncrypted) writeFileSync(token, createToken(), { mode: 0o600 });
  const secret = isEncrypted ? ["--token-file", token] : [];
  const relay = await startRelay(relayAt, parts.watch);
  const records = watchRecords(source, target);
  const running: Partial<Record<Role, Running>> = {};
  const starts = { sender: 0, receiver: 0 };
  /** How many connections were made before this receiver was there. */
  let dialledBefore = 0;

  const receive: Move["receive"] = async (...more) => {
    const args = ["receive", at, "--json", "--create", "--disk", `a=${target}`, ...secret, ...more];
    const receiver = startBlkmig(args, { env });
    running.receiver = receiver;
    starts.receiver++;
    dialledBefore = relay.connections;
    relay.leadTo(await receiver.url());
    return receiver;
  };
  const send: Move["send"] = (...more) => {
    starts.sender++;
    const args = ["send", relay.url, "--json", "--disk", `a=${source}`, ...secret, ...options, ...more];
    return (running.sender = startBlkmig(args, { env }));
  };
  const hasMoved = (): boolean => records.now.source === "moved" && records.now.target === "committed";
  const isThere = (role: Role): boolean => {
    const process = running[role]?.process;
    return process !== undefined && process.exitCode === null && process.signalCode === null;
  };

  const kill = async (role: Role): Promise<Ended> => {
    running[role]!.process.kill("SIGKILL");
    return running[role]!.ended;
  };

  return {
    source,
    target,
    relay,
    records,
    starts,
    receive,
    send,
    ended: async (role) => running[role]!.ended,
    kill,
    async finish() {
      for (let tries = 0; !hasMoved(); tries++) {
        expect(tries, "how often both were started again").toBeLessThan(TRIES);
        if (!isThere("receiver")) await receive("--resume");
        if (!isThere("sender")) {
          // It may have heard of the commit by the connection that broke; what is seen of the records lags behind.
          if ((await statusOf({ source, target })).source === "moved") break;
          send("--resume");
        }
        await running.sender!.ended;
        // Killed before its first record, a sender forgets the migration that the receiver waits for.
        if (records.now.source === "none") await kill("receiver");
      }
      const sender = await running.sender!.ended;
      // A sender that was killed when it had recorded the end does not come back to say so; nor does one that has heard of the commit
      // by the connection that broke, to a receiver that was started again meanwhile.
      if (sender.signal !== null || relay.connections === dialledBefore) running.receiver!.process.kill("SIGTERM");
      return { sender, receiver: await running.receiver!.ended };
    },
    async expectWell() {
      expect(sameFiles(source, target)).toBe(true);
      expect(await statusOf({ source, target })).toEqual({ source: "moved", target: "complete" });
      expect(records.wrongs).toEqual([]);
      const { signal } = await running.receiver!.ended;
      const own = [to("relay.sock"), token];
      // Nobody takes along the socket of who was killed; the next who listens there does.
      const mayStay = signal === "SIGKILL" ? [...own, to("receiver.sock")] : own;
      await expectNothingLeft({ folders: [from("."), to(".")], disks: [source, target], mayStay });
      await expectNextRun({ a: target }, env);
    },
  };
}

/** Where the receiver listens, and of what kind the relay is. */
function addressesOf(wire: MoveOptions["wire"], path: (name: string) => string): readonly [at: string, relay: string] {
  if (wire === "unix") return [`unix://${path("receiver.sock")}`, `unix://${path("relay.sock")}`];
  const at = `${wire}://127.0.0.1:0${wire === "ws" || wire === "wss" ? "/disks" : ""}`;
  return [at, at];
}

/** What `blkmig status` says of both disks. */
export async function statusOf({
  source,
  target,
}: Pick<Move, "source" | "target">): Promise<Readonly<Record<"source" | "target", unknown>>> {
  const [here, there] = await Promise.all([
    runBlkmig(["status", "--json", "--source", source]),
    runBlkmig(["status", "--json", "--target", target]),
  ]);
  return { source: here.events[0]?.["state"], target: there.events[0]?.["state"] };
}

import { describe, expect, it } from "vitest";

import { haltAt } from "./halt.test-kit.ts";
import { type CheckedGuest, startCheckedGuest } from "./live/checked-writes.test-kit.ts";
import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { type Relay, startRelay } from "./relay.test-kit.ts";
import {
  type JsonEvent,
  refusal,
  refused,
  runBlkmig,
  type Running,
  startBlkmig,
  temporaryFolder,
} from "./run-blkmig.test-kit.ts";
import { type Served, startServing } from "./serving.test-kit.ts";

const SIZE = 16 * MIB;
/** So slow that it is never over before the test says so. */
const SLOWLY = ["--after", "close", "--max-bandwidth", "64K"];

interface LiveMove {
  readonly served: Served;
  readonly guest: CheckedGuest;
  readonly source: string;
  readonly target: string;
  readonly receiver: Running;
  readonly to: string;
  send(...more: readonly string[]): Running;
}

/** A guest writes to a served disk all along, and a receiver waits. */
async function startLiveMove(...atReceiver: readonly string[]): Promise<LiveMove> {
  const path = temporaryFolder();
  const [source, target] = [makeDisk(path("source"), SIZE), makeGarbage(path("target"), SIZE)];
  const served = await startServing({ disks: { a: source } });
  const guest = startCheckedGuest(await served.dial("a"));
  const words = atReceiver.length > 0 ? atReceiver : ["--keep"];
  const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", "--disk", `a=${target}`, ...words]);
  const to = await receiver.url();
  const send = (...more: readonly string[]): Running =>
    startBlkmig(["send", to, "--json", "--from", served.control, ...more]);
  return { served, guest, source, target, receiver, to, send };
}

/** Something of the disk is at the receiver: it was not refused. */
const isMoving = (event: JsonEvent): boolean => event.event === "status" && Number(event["acknowledged"]) > 0;

describe("a disk that is moved while a guest writes it", () => {
  it("--after close has every record at the target; the server ends, and never serves it again", async () => {
    const { served, guest, source, target, send } = await startLiveMove();
    await guest.more(50);
    const sending = send("--after", "close");
    const { code, events } = await sending.ended;
    expect(code).toBe(0);
    expect(events.at(-1)).toEqual(
      expect.objectContaining({ event: "completed", proved: true, after: "close", downtime: expect.any(Number) }),
    );
    expect(await served.running.ended).toMatchObject({ code: 0 });
    await guest.stop();
    expect(guest.missingIn(target)).toEqual([]);
    expect(sameFiles(source, target)).toBe(true);
    const again = await runBlkmig(["serve", "--disk", `a=${source}`, "--nbd", "nbd://127.0.0.1:0"]);
    expect(refusal(again)).toEqual(refused(3, /has moved to tcp:.*, and its owner is there now/));
  });

  it("--after hold answers nobody, and the server stays until it is ended", async () => {
    const { served, guest, source, target, send } = await startLiveMove();
    await guest.more(50);
    expect(await send("--after", "hold", "--disk", "a").ended).toMatchObject({ code: 0 });
    expect(await served.status()).toMatchObject({
      disks: [{ name: "a", state: "held" }],
      migration: { ended: "completed", disks: ["a"] },
    });
    const { acknowledged } = guest;
    served.running.process.kill("SIGTERM");
    expect(await served.running.ended).toMatchObject({ code: 0 });
    await guest.stop();
    expect(guest.acknowledged).toBe(acknowledged);
    expect(guest.missingIn(target)).toEqual([]);
    expect(sameFiles(source, target)).toBe(true);
  });

  it("is forwarded by default: the guest writes on at its new owner, and notices nothing", async () => {
    const { served, guest, target, receiver, send } = await startLiveMove("--nbd", "nbd://127.0.0.1:0");
    await guest.more(50);
    const { code, events } = await send().ended;
    expect([code, events.at(-1)]).toMatchObject([0, { event: "completed", after: "forward" }]);
    expect(await served.status()).toMatchObject({
      disks: [{ state: "forwarding", to: `${String(events.at(-1)!["serve"])}/a` }],
    });
    await guest.more(100);
    await guest.stop();
    served.running.process.kill("SIGTERM");
    expect(await served.running.ended).toMatchObject({ code: 0 });
    receiver.process.kill("SIGTERM");
    expect(await receiver.ended).toMatchObject({ code: 0 });
    expect(guest.missingIn(target)).toEqual([]);
  });

  it("goes to a receiver that dials, too", async () => {
    const path = temporaryFolder();
    const source = makeDisk(path("source"), SIZE);
    const { control } = await startServing({ disks: { a: source } });
    const words = ["--json", "--from", control, "--after", "close", "--listen"];
    const sending = startBlkmig(["send", "tcp://127.0.0.1:0", ...words]);
    const target = ["--connect", "--disk", `a=${path("target")}`, "--create"];
    expect(await runBlkmig(["receive", await sending.url(), ...target])).toMatchObject({ code: 0 });
    expect(await sending.ended).toMatchObject({ code: 0 });
    expect(sameFiles(source, path("target"))).toBe(true);
  });

  it("is not begun where nobody would answer the clients", async () => {
    const { guest, send } = await startLiveMove();
    expect(refusal(await send().ended)).toEqual(refused(3, /does not say where it will serve .* --after close/));
    await guest.more(20);
    await guest.stop();
  });

  it("tells people what a send of its own would tell them", async () => {
    const { served, to } = await startLiveMove();
    const { code, stderr } = await runBlkmig(["send", to, "--from", served.control, "--after", "close"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^bulk .*\n(.*\n)*completed in .* downtime .*\n {2}'a': .*\neach disk is marked as moved; .*\n$/,
    );
  });
});

describe("a migration of a running server", () => {
  it("is cancelled by another command, and the guest goes on; the next one may succeed", async () => {
    const { served, guest, source, target, send } = await startLiveMove();
    const sending = send(...SLOWLY);
    await sending.until(isMoving);
    const cancelled = await runBlkmig(["cancel", "--json", "--control", served.control]);
    expect(cancelled.events).toMatchObject([{ event: "ended", ended: "cancelled" }]);
    expect(cancelled.code).toBe(0);
    const { code, events } = await sending.ended;
    expect([code, events.at(-1)]).toMatchObject([130, { event: "cancelled" }]);
    await guest.more(20);
    expect(await served.status()).toMatchObject({ disks: [{ state: "local" }], migration: { ended: "cancelled" } });
    const nothing = await runBlkmig(["cancel", "--control", served.control]);
    expect(refusal(nothing)).toEqual(refused(3, /no migration runs/));
    expect(await send("--after", "close").ended).toMatchObject({ code: 0 });
    await guest.stop();
    expect(guest.missingIn(target)).toEqual([]);
    expect(sameFiles(source, target)).toBe(true);
  });

  it("is cancelled by whoever interrupts the send", async () => {
    const { served, guest, send } = await startLiveMove();
    const sending = send(...SLOWLY);
    await sending.until(isMoving);
    sending.process.kill("SIGINT");
    expect(await sending.ended).toMatchObject({ code: 130 });
    await guest.more(20);
    expect(served.running.process.exitCode).toBeNull();
    await guest.stop();
  });

  it("goes faster when it may", async () => {
    const { served, send } = await startLiveMove();
    const sending = send(...SLOWLY);
    await sending.until(isMoving);
    const words = ["--max-bandwidth", "none", "--downtime-limit", "10s"];
    const { code, events } = await runBlkmig(["limits", "--json", "--control", served.control, ...words]);
    expect([code, events]).toEqual([0, [{ event: "limits", "max-bandwidth": null, "downtime-limit": 10_000 }]]);
    expect(await sending.ended).toMatchObject({ code: 0 });
    expect(refusal(await runBlkmig(["limits", "--control", served.control, ...words]))).toMatchObject({ code: 3 });
  });

  it("goes on when the send is killed, and is seen by its server's status", async () => {
    const { served, send, target, source } = await startLiveMove();
    const sending = send(...SLOWLY);
    await sending.until(isMoving);
    sending.process.kill("SIGKILL");
    await sending.ended;
    const { stderr } = await runBlkmig(["status", "--control", served.control]);
    expect(stderr).toMatch(/migration \S+ of 'a' to tcp:.*: (bulk|setup), \d+ %, .* remaining/);
    await runBlkmig(["limits", "--control", served.control, "--max-bandwidth", "none"]);
    expect(await served.running.ended).toMatchObject({ code: 0 });
    expect(sameFiles(source, target)).toBe(true);
  });

  it("whose server is killed ends in a sentence that says where to look", async () => {
    const { served, send } = await startLiveMove();
    const sending = send(...SLOWLY);
    await sending.until(isMoving);
    served.running.process.kill("SIGKILL");
    const ended = await sending.ended;
    expect(refusal(ended)).toEqual(refused(1, /it hung up; the migration goes on there, .* blkmig status --control/));
    expect(ended.events.at(-1)).toMatchObject({ event: "failed", code: "wire" });
  });

  it("is refused by name for what cannot be", async () => {
    const { send } = await startLiveMove();
    expect(refusal(await send("--disk", "b").ended)).toEqual(refused(3, /'b'/));
    const ended = await runBlkmig(["send", "tcp://127.0.0.1:1", "--from", temporaryFolder()("nobody")]);
    expect(refusal(ended)).toEqual(refused(3, /cannot connect/));
  });
});

describe("a migration whose outcome is not known", () => {
  async function leaveInDoubt(): Promise<LiveMove & { readonly migration: string; readonly relay: Relay }> {
    const move = await startLiveMove();
    const halt = haltAt({ way: "there", say: "commit", edge: "before" });
    const relay = await startRelay("tcp://127.0.0.1:0", halt.watch);
    relay.leadTo(move.to);
    const words = ["--json", "--from", move.served.control, "--after", "close", "--reconnect-for", "1s"];
    const sending = startBlkmig(["send", relay.url, ...words]);
    await halt.reached;
    move.receiver.process.kill("SIGKILL");
    await move.receiver.ended;
    relay.cut();
    halt.release();
    const sent = await sending.ended;
    expect(refusal(sent)).toEqual(refused(4, /not known whether/));
    const migration = String(sent.events.at(-1)!["migration"]);
    const commands = ["keep", "gone"].map(
      (word) => `blkmig resolve --source ${move.served.control} --${word} ${migration}`,
    );
    expect(sent.events.at(-1)).toMatchObject({ event: "in-doubt", resolve: commands });
    expect(await move.served.status()).toMatchObject({
      disks: [{ state: "in-doubt" }],
      migration: { ended: "in-doubt" },
    });
    return { ...move, migration, relay };
  }

  it("exits 4; resolved at the server, the guest's held requests are answered again", async () => {
    const { served, guest, source, migration } = await leaveInDoubt();
    const wrong = await runBlkmig(["resolve", "--source", served.control, "--keep", "another"]);
    expect(refusal(wrong)).toMatchObject({ code: 3 });
    const { code, events } = await runBlkmig(["resolve", "--json", "--source", served.control, "--keep", migration]);
    expect([code, events]).toMatchObject([0, [{ event: "completed", role: "source", migration, state: "kept" }]]);
    await guest.more(20);
    await guest.stop();
    served.running.process.kill("SIGTERM");
    expect(await served.running.ended).toMatchObject({ code: 0 });
    expect(guest.missingIn(source)).toEqual([]);
  });

  it("is taken up by --resume, when the receiver is back", async () => {
    const { served, guest, source, target, relay } = await leaveInDoubt();
    const words = ["--json", "--resume", "--disk", `a=${target}`];
    const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", ...words]);
    relay.leadTo(await receiver.url());
    const again = await runBlkmig(["send", relay.url, "--from", served.control, "--after", "close", "--resume"]);
    expect(again).toMatchObject({ code: 0 });
    expect(await receiver.ended).toMatchObject({ code: 0 });
    expect(await served.running.ended).toMatchObject({ code: 0 });
    await guest.stop();
    expect(guest.missingIn(target)).toEqual([]);
    expect(sameFiles(source, target)).toBe(true);
  });

  it("left to itself, the server exits 4, and serves nothing until it is resolved", async () => {
    const { served, source, migration } = await leaveInDoubt();
    served.running.process.kill("SIGTERM");
    const { code, events } = await served.running.ended;
    expect([code, events.at(-1)]).toMatchObject([4, { event: "in-doubt", migration }]);
    const words = ["serve", "--disk", `a=${source}`, "--nbd", "nbd://127.0.0.1:0"];
    expect(refusal(await runBlkmig(words))).toEqual(refused(3, new RegExp(`resolve --source .* --keep ${migration}`)));
    expect(await runBlkmig(["resolve", "--source", source, "--gone", migration])).toMatchObject({ code: 0 });
    expect(refusal(await runBlkmig(words))).toEqual(refused(3, /has moved/));
  });
});

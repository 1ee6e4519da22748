import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

import { askServer } from "./control/control-client.ts";
import { haltAt } from "./halt.test-kit.ts";
import { type Guests, SIZE, startGuests } from "./live-kills-guests.test-kit.ts";
import type { Plan, Victim } from "./live-kills-plan.test-kit.ts";
import { makeDisk, makeGarbage } from "./make-disks.test-kit.ts";
import { type Relay, startRelay } from "./relay.test-kit.ts";
import { type Ended, type Running, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { type RecordWatch, watchRecords } from "./watch-records.test-kit.ts";

const WITHIN_MS = 90_000;

type Role = "serve" | "receive" | "send";

/** How a process ended that was started in a role, and what it was sent. */
export interface Past extends Ended {
  readonly role: Role | "operator";
  readonly args: readonly string[];
  readonly sent: "SIGKILL" | "SIGTERM" | undefined;
}

/** A served disk, its guests, the receiver it goes to, the wires between them, and who runs now. */
export interface Stage extends Guests {
  readonly plan: Plan;
  /** Each disk, as it was in the beginning. */
  readonly begun: readonly Buffer[];
  readonly records: RecordWatch;
  readonly wire: Relay;
  readonly halt: ReturnType<typeof haltAt> | undefined;
  /** What came to pass, for whoever reads of a failure. */
  readonly log: string[];
  readonly past: readonly Past[];
  readonly control: string;
  /** NBD of a disk, here and there. */
  urls(disk: string): { readonly old: string; readonly owner: string };
  paths(disk: string): { readonly source: string; readonly target: string };
  running(role: Role): Running | undefined;
  /** Settles when it serves; gives how it ended if it does not. */
  serve(): Promise<Ended | undefined>;
  /** Whether somebody else's disk is not served: how that ended; undefined if it is. */
  refuses(which: "source" | "target"): Promise<Ended | undefined>;
  /** The target, as a disk of its own. */
  serveTarget(): Promise<Ended | undefined>;
  receive(...more: readonly string[]): Promise<Ended | undefined>;
  send(...more: readonly string[]): Running;
  /** Any other command, to its end. */
  command(...args: readonly string[]): Promise<Ended>;
  /** What the old server says; undefined if it says nothing. */
  status(): Promise<Record<string, unknown> | undefined>;
  /** Gives whether somebody was there to be struck. */
  strike(victim: Victim): Promise<boolean>;
  terminate(role: Role): Promise<Ended | undefined>;
}

export async function createStage(plan: Plan): Promise<Stage> {
  const { seed, disks, after, options, relayed, when } = plan;
  const [here, there] = [temporaryFolder(), temporaryFolder()];
  const paths = (disk: string) => ({ source: here(`${disk}.img`), target: there(`${disk}.img`) });
  for (const [index, disk] of disks.entries()) {
    makeDisk(paths(disk).source, SIZE, seed * 2 + index);
    makeGarbage(paths(disk).target, SIZE);
  }
  const urls = (disk: string) => ({
    old: `nbd+unix:///${disk}?socket=${here("nbd")}`,
    owner: `nbd+unix:///${disk}?socket=${there("nbd")}`,
  });
  const control = here("control");
  const halt = when.is === "place" ? haltAt(when.place) : undefined;
  const wire = await startRelay(`unix://${here("wire")}`, halt?.watch);
  wire.leadTo(`unix://${there("receive")}`);
  const link = await startRelay(`unix://${here("link")}`);
  link.leadTo(`unix://${there("nbd")}`);
  const records = watchRecords(paths(disks[0]!).source, paths(disks[0]!).target);
  const now: Partial<Record<Role, Running>> = {};
  const sent = new Map<Running, "SIGKILL" | "SIGTERM">();
  const past: Past[] = [];
  const log: string[] = [];
  const since = performance.now();
  const note = (what: string): void => void log.push(`${(performance.now() - since).toFixed(0)} ms: ${what}`);

  const start = (role: Role, args: readonly string[]): Running => {
    note(`${role} starts: ${args.join(" ")}`);
    const running = startBlkmig(args);
    now[role] = running;
    void running.ended.then((ended) => {
      past.push({ ...ended, role, args, sent: sent.get(running) });
      note(`${role} ended with ${ended.code ?? ended.signal}: ${ended.stderr.trim().split("\n").at(-1)}`);
    });
    return running;
  };
  const up = async (running: Running, event: string): Promise<Ended | undefined> => {
    const isUp = running
      .until((each) => each.event === event)
      .then(
        () => undefined,
        () => running.ended,
      );
    return within(isUp, `until a process says ${event}`);
  };
  const named = (which: "source" | "target"): readonly string[] =>
    disks.flatMap((disk) => ["--disk", `${disk}=${paths(disk)[which]}`]);
  const atOwner = ["--nbd", `nbd+unix:///?socket=${there("nbd")}`, "--control", there("control")];

  const isThere = (role: Role): boolean => {
    const child = now[role]?.process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  };
  const signal = async (role: Role, by: "SIGKILL" | "SIGTERM"): Promise<Ended | undefined> => {
    const running = now[role];
    if (!running || !isThere(role)) return undefined;
    note(`${role} gets ${by}`);
    sent.set(running, by);
    running.process.kill(by);
    return within(running.ended, `until the ${role} ends by ${by}`);
  };

  return {
    ...startGuests(plan, urls),
    plan,
    begun: disks.map((disk) => readFileSync(paths(disk).source)),
    records,
    wire,
    halt,
    log,
    past,
    control,
    urls,
    paths,
    running: (role) => (isThere(role) ? now[role] : undefined),
    serve: async () => {
      const words = ["--nbd", `nbd+unix:///?socket=${here("nbd")}`, "--control", control];
      return up(start("serve", ["serve", "--json", ...named("source"), ...words]), "serving");
    },
    refuses: async (which) =>
      up(start("serve", ["serve", "--json", ...named(which), "--nbd", "nbd://127.0.0.1:0"]), "serving"),
    serveTarget: async () => up(start("receive", ["serve", "--json", ...named("target"), ...atOwner]), "serving"),
    receive: async (...more) =>
      up(
        start("receive", ["receive", `unix://${there("receive")}`, "--json", ...named("target"), ...atOwner, ...more]),
        "listening",
      ),
    send: (...more) => {
      const forward = relayed ? ["--forward-to", `nbd+unix:///?socket=${here("link")}`] : [];
      return start("send", [
        "send",
        wire.url,
        "--json",
        "--from",
        control,
        "--after",
        after,
        ...options,
        ...forward,
        ...more,
      ]);
    },
    async command(...args) {
      note(args.join(" "));
      const ended = await within(runBlkmig([...args, "--json"]), args.join(" "));
      past.push({ ...ended, role: "operator", args, sent: undefined });
      note(`-> ${ended.code}: ${ended.stderr.trim().split("\n").at(-1)}`);
      return ended;
    },
    async status() {
      const answer = await askServer(control, { do: "status" }).catch(() => undefined);
      return answer?.type === "result" ? answer.result : undefined;
    },
    async strike(victim) {
      note(`strikes the ${victim}; ${JSON.stringify(records.now)}`);
      if (victim !== "wire" && victim !== "link") return (await signal(victim, "SIGKILL"))?.signal === "SIGKILL";
      const relay = victim === "wire" ? wire : link;
      relay.cut();
      return relay.connections > 0;
    },
    terminate: async (role) => signal(role, "SIGTERM"),
  };
}

/** Nobody hangs: throws when it takes longer than anything may. */
export async function within<T>(work: Promise<T>, what: string, ms = WITHIN_MS): Promise<T> {
  const done = new AbortController();
  const late = wait(ms, undefined, { signal: done.signal }).then(() => {
    throw new Error(`hangs: ${what}`);
  });
  late.catch(() => {}); // as it shall
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}

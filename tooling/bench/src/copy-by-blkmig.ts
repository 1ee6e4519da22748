import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { BLKMIG } from "./blkmig.ts";
import type { CopyProgram, CopyTask } from "./copy-program.ts";
import type { MeasuredRun, Told } from "./measured-run.ts";
import type { ProcessOfRun } from "./process-of-run.ts";

type Wire = "tcp" | "unix" | "ws" | "tls" | "stdio";
const WIRES: readonly Wire[] = ["tcp", "unix", "ws", "tls", "stdio"];

/** How disks are sent. */
interface Way {
  readonly name: string;
  readonly wire: Wire;
  /** Options of `blkmig send`. */
  readonly flags: readonly string[];
}

/** Every way that this build of blkmig knows. */
export function blkmigPrograms(): readonly CopyProgram[] {
  const knowsNoChecksum = execFileSync(process.execPath, [BLKMIG, "send", "--help"], { encoding: "utf8" });
  return waysOf(knowsNoChecksum.includes("--no-checksum")).map((way) => ({
    name: `blkmig ${way.name}`,
    needs: way.wire === "stdio" ? ["mkfifo"] : [],
    takes: () => true,
    copy: async (run, task) => (way.wire === "stdio" ? copyByPipes(run, task, way) : copyByAddress(run, task, way)),
  }));
}

function waysOf(checksumsCanBeOff: boolean): readonly Way[] {
  const unverified = ["--clone", "--no-verify"];
  const unchecked = [...unverified, "--no-checksum"];
  return [
    ...WIRES.map((wire) => ({ name: `session ${wire}`, wire, flags: unverified })),
    { name: "session tcp verify", wire: "tcp", flags: ["--clone", "--verify"] },
    ...(checksumsCanBeOff
      ? ([
          { name: "session tcp no-checksum", wire: "tcp", flags: unchecked },
          { name: "session tls no-checksum", wire: "tls", flags: unchecked },
          { name: "session tcp no-checksum verify", wire: "tcp", flags: ["--clone", "--verify", "--no-checksum"] },
        ] as const)
      : []),
    ...WIRES.map((wire) => ({ name: `classic 1.1 ${wire}`, wire, flags: ["--wire", "1.1"] })),
  ];
}

/** Both ends' words up to where they meet. */
function wordsOf({ disks, folder }: CopyTask, way: Way) {
  const records = ["sender", "receiver"].map((end) => join(folder, end));
  records.forEach((path) => mkdirSync(path));
  const token = join(folder, "token");
  writeFileSync(token, randomBytes(32).toString("base64url"), { mode: 0o600 });
  const both = [...(way.wire === "tls" ? ["--token-file", token] : []), "--json"];
  const disksTo = disks.flatMap(({ name, target }) => ["--disk", `${name}=${target}`]);
  const disksFrom = disks.flatMap(({ name, source }) => ["--disk", `${name}=${source}`]);
  return {
    receive: [BLKMIG, "receive", "--state-dir", records[1]!, ...both, ...disksTo],
    send: [BLKMIG, "send", "--state-dir", records[0]!, ...way.flags, ...both, ...disksFrom],
  };
}

async function copyByAddress(run: MeasuredRun, task: CopyTask, way: Way): Promise<Told> {
  const { receive, send } = wordsOf(task, way);
  const receiver = await run.start("receiver", process.execPath, [...receive, addressOf(way.wire, task.folder)]);
  const { url } = JSON.parse(await receiver.line((line) => isEvent(line, "listening"))) as { readonly url: string };
  return run.timed(async () => {
    const sender = await run.start("sender", process.execPath, [...send, url]);
    await Promise.all([sender.succeeded(), receiver.succeeded()]);
    return toldBy(sender, way.wire);
  });
}

/** Two pipes with a name: their shells open them, in an order in which nobody waits for ever, and become the two ends. */
async function copyByPipes(run: MeasuredRun, task: CopyTask, way: Way): Promise<Told> {
  const { receive, send } = wordsOf(task, way);
  const [there, back] = [join(task.folder, "there"), join(task.folder, "back")];
  execFileSync("mkfifo", [there, back]);
  const become = 'shift 2; exec "$@"';
  return run.timed(async () => {
    const receiving = ["-c", `exec <"$1" >"$2"; ${become}`, "sh", there, back, process.execPath, ...receive, "stdio:"];
    const receiver = await run.start("receiver", "sh", receiving);
    const sending = ["-c", `exec >"$1" <"$2"; ${become}`, "sh", there, back, process.execPath, ...send, "stdio:"];
    const sender = await run.start("sender", "sh", sending);
    await Promise.all([sender.succeeded(), receiver.succeeded()]);
    return toldBy(sender, way.wire);
  });
}

function addressOf(wire: Wire, folder: string): string {
  if (wire === "unix") return `unix://${join(folder, "blkmig.sock")}`;
  return `${wire}://127.0.0.1:0${wire === "ws" ? "/migrate" : ""}`;
}

/** On TCP it is what everybody's is: the frames of TCP, WebSocket and TLS too. Of other wires the sender says how much it sent. */
function toldBy(sender: ProcessOfRun, wire: Wire): Told {
  if (wire !== "unix" && wire !== "stdio") return { wireBytes: "loopback" };
  const completed = JSON.parse(sender.lines.find((line) => isEvent(line, "completed"))!) as {
    readonly transferred: number;
  };
  return { wireBytes: completed.transferred };
}

const isEvent = (line: string, event: string): boolean => line.startsWith(`{"event":"${event}"`);

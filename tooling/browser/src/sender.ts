import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface SenderOptions {
  /** The page's. */
  readonly origin: string;
  readonly flags: readonly string[];
}

export interface Sender {
  readonly url: string;
  readonly size: number;
  /** Of the disk it sends, in hexadecimal. */
  readonly sha256: string;
  readonly ended: Promise<{ readonly code: number | null; readonly last: string }>;
  stop(): Promise<void>;
}

interface Listening {
  readonly event: string;
  readonly url?: string;
}

const require = createRequire(import.meta.url);
const PROGRAM = join(require.resolve("blkmig/package.json"), "../dist/bin.js");
const MIB = 1024 * 1024;

/** Runs the built `blkmig send --listen` on a disk with data, holes and an odd size. */
export async function startSender({ origin, flags }: SenderOptions): Promise<Sender> {
  const folder = await mkdtemp(join(tmpdir(), "blkmig-browser-"));
  const disk = diskBytes();
  const path = join(folder, "disk.img");
  await writeFile(path, disk);
  const listening = ["--listen", "--allow-origin", origin, "--json", "--state-dir", join(folder, "state")];
  const args = ["send", "ws://127.0.0.1:0/migrate", "--disk", `vda=${path}`, ...listening, ...flags];
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  const exited = once(child, "close");
  const lines = createInterface({ input: child.stdout });
  let last = "";
  const url = await new Promise<string>((resolve, reject) => {
    lines.on("line", (line) => {
      last = line;
      const { event, url: at } = JSON.parse(line) as Listening;
      if (event === "listening" && at !== undefined) resolve(at);
    });
    exited.then(() => reject(new Error(`blkmig send ended before it listened: ${last}`)), reject);
  });
  return {
    url,
    size: disk.length,
    sha256: createHash("sha256").update(disk).digest("hex"),
    ended: exited.then(() => ({ code: child.exitCode, last })),
    async stop() {
      child.kill();
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

/** 6 MiB and a sector: data of no pattern, a hole of zeroes, data again. */
function diskBytes(): Uint8Array {
  const bytes = new Uint8Array(6 * MIB + 512);
  let state = 1;
  for (let at = 0; at < bytes.length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    if (at < 2 * MIB || at >= 4 * MIB) bytes[at] = state >>> 24;
  }
  return bytes;
}

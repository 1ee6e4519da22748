import { writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { CopiedDisk, CopyProgram, CopyTask } from "./copy-program.ts";
import { isDense, type Job } from "./jobs.ts";
import type { MeasuredRun, Told } from "./measured-run.ts";
import { freePort, untilItListens } from "./until-it-listens.ts";

type Command = readonly [program: string, ...words: string[]];

/** A receiver that listens at a port, and a sender that comes there. */
interface Stream {
  readonly name: string;
  readonly needs: readonly string[];
  readonly takes: (job: Job) => boolean;
  receive(port: number, disk: CopiedDisk, folder: string): Command;
  send(port: number, disk: CopiedDisk): Command;
  /** Whether the receiver ends by itself after one copy. */
  readonly endsAlone: boolean;
}

/** By socat, in bytes: its own default is 8 KiB. */
const AT_ONCE = ["-b", "1048576"];
/** By rsync. Without --ignore-times it would leave a target of the same size and second as it is. */
const ALL_OF_IT = ["--whole-file", "--ignore-times", "--inplace"];
const LARGEST_FOR_RSYNC = 16 * 1024 ** 3;
const BARE_PIPE = fileURLToPath(new URL("bare-pipe.ts", import.meta.url));
const isOneDense = (job: Job): boolean => job.disks === 1 && isDense(job);

const barePipe = (wire: "tcp" | "tls"): Stream => ({
  name: `node ${wire} bare`,
  needs: [],
  takes: isOneDense,
  receive: (port, { target }) => [process.execPath, BARE_PIPE, "receive", wire, `${port}`, target],
  send: (port, { source }) => [process.execPath, BARE_PIPE, "send", wire, `${port}`, source],
  endsAlone: true,
});

const socat: Stream = {
  name: "socat tcp",
  needs: ["socat"],
  takes: isOneDense,
  receive: (port, { target }) => [
    "socat",
    "-u",
    ...AT_ONCE,
    `TCP-LISTEN:${port},bind=127.0.0.1`,
    `OPEN:${target},wronly`,
  ],
  send: (port, { source }) => ["socat", "-u", ...AT_ONCE, `FILE:${source}`, `TCP:127.0.0.1:${port}`],
  endsAlone: true,
};

const rsync = (flags: readonly string[]): Stream => ({
  name: `${["rsync", ...flags].join(" ")} tcp`,
  needs: ["rsync"],
  takes: ({ disks, bytes }) => disks === 1 && bytes <= LARGEST_FOR_RSYNC,
  receive(port, { target }, folder) {
    const settings = join(folder, "rsyncd.conf");
    const module = `[to]\npath = ${dirname(target)}\nread only = no\nuse chroot = no\n`;
    const owner = process.getuid?.() === 0 ? "uid = root\ngid = root\n" : "";
    writeFileSync(settings, `address = 127.0.0.1\nport = ${port}\nmax verbosity = 0\n${owner}${module}`);
    return ["rsync", "--daemon", "--no-detach", `--config=${settings}`];
  },
  send: (port, { source, target }) => [
    "rsync",
    ...ALL_OF_IT,
    ...flags,
    source,
    `rsync://127.0.0.1:${port}/to/${basename(target)}`,
  ],
  endsAlone: false,
});

/** What a wire costs at least, by Node.js; socat, for one whole disk; rsync, where there are not too many holes to read. */
export const streamPrograms: readonly CopyProgram[] = [
  barePipe("tcp"),
  barePipe("tls"),
  socat,
  rsync([]),
  rsync(["--sparse"]),
].map((stream) => {
  const { name, needs, takes } = stream;
  return { name, needs, takes, copy: async (run, task) => copyByStream(run, task, stream) };
});

async function copyByStream(run: MeasuredRun, { disks, folder }: CopyTask, stream: Stream): Promise<Told> {
  const [disk] = disks;
  if (disk === undefined) throw new Error("there is no disk to copy");
  const port = await freePort();
  const [program, ...words] = stream.receive(port, disk, folder);
  const receiver = await run.start("receiver", program, words);
  await untilItListens({ port }, () => receiver.process.exitCode !== null);
  return run.timed(async () => {
    const [command, ...asked] = stream.send(port, disk);
    const sender = await run.start("sender", command, asked);
    await sender.succeeded();
    if (stream.endsAlone) await receiver.succeeded();
    return { wireBytes: "loopback" };
  });
}

import { spawn } from "node:child_process";
import type { Socket } from "node:net";

import { onTestFinished } from "vitest";

import { createJournal, type Journal, type WrittenJournal } from "./journal.ts";
import { listenOnce } from "./listen-once.ts";
import { type QemuOptions, qemuArguments } from "./qemu-arguments.ts";
import { programOf } from "./qemu-release.ts";
import { type Qmp, speakQmp } from "./qmp.ts";

const SETPRIV = "setpriv";

/** How a QEMU ended. */
interface QemuEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** QEMU's own output, where it tells of received disks: "Completed 12 %". */
  readonly stdout: string;
  readonly stderr: string;
}

export interface Qemu {
  readonly pid: number;
  /** The test's own monitor. */
  readonly qmp: Qmp;
  /** A second monitor, that listens for whoever is tested: its socket. */
  readonly monitor: string;
  /** What the guest prints, line by line. */
  readonly serial: Journal<string>;
  /** What it has printed of a line that is not finished: a guest that moves goes on with it elsewhere. */
  begunLine(): string;
  readonly exited: Promise<QemuEnd>;
  /** Asks QEMU to quit, and waits until it has. */
  stop(): Promise<QemuEnd>;
  /** Kills it, as a host dies, and waits until it is dead. */
  kill(): Promise<QemuEnd>;
}

/**
 * Starts a real QEMU, under TCG, and waits until its monitor answers; with `incoming` it may already be receiving then. It
 * is killed when the test is over. Throws, with what QEMU says, if it does not get so far.
 */
export async function startQemu(options: QemuOptions): Promise<Qemu> {
  const { path, name = "qemu", release = "7.2" } = options;
  const [qmpPath, serialPath, monitor] = [path(`${name}.qmp`), path(`${name}.serial`), path(`${name}.monitor`)];
  const own = await listenOnce(qmpPath);
  const port = await listenOnce(serialPath);
  // If the tests themselves are killed, nobody is left to stop it.
  const survivesNobody = ["--pdeathsig", "KILL", programOf(release)];
  const monitors = ["-qmp", `unix:${qmpPath}`, "-qmp", `unix:${monitor},server=on,wait=off`];
  const command = [...survivesNobody, ...monitors, ...qemuArguments(options, serialPath)];
  const child = spawn(SETPRIV, command, { stdio: ["ignore", "pipe", "pipe"] });
  const serial = createJournal<string>();
  const lines = createLines(serial);
  let [stdout, stderr] = ["", ""];

  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  void port.connected.then(
    (socket) => readSerial(socket, lines),
    () => undefined,
  );
  const exited = new Promise<QemuEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      own.close();
      port.close();
      const told = [...serial.entries.slice(-5), stderr].join("\n");
      serial.end(new Error(`QEMU ended (${code ?? signal}) before that line; the last were: ${told}`));
      resolve({ code, signal, stdout, stderr });
    });
  });
  const kill = (): Promise<QemuEnd> => {
    child.kill("SIGKILL");
    return exited;
  };
  onTestFinished(async () => void (await kill()));

  const failed = exited.then((end): never => {
    throw new Error(`QEMU ended (${end.code ?? end.signal}) before its monitor answered: ${end.stderr}`);
  });
  // It may connect its monitor and end then; why, only its end tells.
  const greeted = own.connected.then(speakQmp).catch(() => failed);
  const qmp = await Promise.race([greeted, failed]);
  const stop = async (): Promise<QemuEnd> => {
    // It may be gone before it has answered, and that is what is wanted.
    await Promise.race([qmp.execute("quit").catch(() => undefined), exited]);
    return exited;
  };
  return { pid: child.pid!, qmp, monitor, serial, begunLine: () => lines.begun(), exited, stop, kill };
}

interface Lines {
  take(text: string): void;
  begun(): string;
}

/** Whole lines only: what a QEMU that ends has begun to print may say something else. */
function createLines(serial: WrittenJournal<string>): Lines {
  let begun = "";
  const take = (text: string): void => {
    const lines = (begun + text).split("\n");
    begun = lines.pop()!;
    for (const line of lines) serial.write(line.trimEnd());
  };
  return { take, begun: () => begun };
}

function readSerial(socket: Socket, lines: Lines): void {
  socket.setEncoding("latin1").on("data", (text: string) => lines.take(text));
  // A QEMU that is killed resets the connection; that it has ended is told by its exit.
  socket.on("error", () => undefined);
}

import { spawn } from "node:child_process";
import type { Socket } from "node:net";

import { onTestFinished } from "vitest";

import { createJournal, type Journal, type WrittenJournal } from "./journal.ts";
import { listenOnce } from "./listen-once.ts";
import { type QemuOptions, qemuArguments } from "./qemu-arguments.ts";
import { type Qmp, speakQmp } from "./qmp.ts";

const QEMU = "qemu-system-x86_64";
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
  readonly qmp: Qmp;
  /** What the guest prints, line by line. */
  readonly serial: Journal<string>;
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
  const { path, name = "qemu" } = options;
  const [qmpPath, serialPath] = [path(`${name}.qmp`), path(`${name}.serial`)];
  const monitor = await listenOnce(qmpPath);
  const port = await listenOnce(serialPath);
  // If the tests themselves are killed, nobody is left to stop it.
  const command = ["--pdeathsig", "KILL", QEMU, "-qmp", `unix:${qmpPath}`, ...qemuArguments(options, serialPath)];
  const child = spawn(SETPRIV, command, { stdio: ["ignore", "pipe", "pipe"] });
  const serial = createJournal<string>();
  let [stdout, stderr] = ["", ""];

  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  void port.connected.then(
    (socket) => readSerial(socket, serial),
    () => undefined,
  );
  const exited = new Promise<QemuEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      monitor.close();
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
  const greeted = monitor.connected.then(speakQmp).catch(() => failed);
  const qmp = await Promise.race([greeted, failed]);
  const stop = async (): Promise<QemuEnd> => {
    // It may be gone before it has answered, and that is what is wanted.
    await Promise.race([qmp.execute("quit").catch(() => undefined), exited]);
    return exited;
  };
  return { pid: child.pid!, qmp, serial, exited, stop, kill };
}

/** Whole lines only: what a QEMU that ends has begun to print may say something else. */
function readSerial(socket: Socket, serial: WrittenJournal<string>): void {
  let begun = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    const lines = (begun + text).split("\n");
    begun = lines.pop()!;
    for (const line of lines) serial.write(line.trimEnd());
  });
  // A QEMU that is killed resets the connection; that it has ended is told by its exit.
  socket.on("error", () => undefined);
}

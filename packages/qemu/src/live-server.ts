import { lstat, rm } from "node:fs/promises";
import { isAbsolute } from "node:path";

import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

/** `sun_path` of Linux, without the zero at its end. */
const LONGEST_PATH = 107;

/** QEMU's NBD server; a QEMU has but one. Throws `QemuError`. */
export interface LiveServer {
  /** `busy` where one runs already: that is somebody else's, and goes on. */
  start(): Promise<void>;
  /** If it is the one that was started here: `isOurs`, or its socket is where we wanted it. Idempotent. */
  stop(isOurs: boolean): Promise<void>;
}

/** Throws `TypeError` for a path that cannot be a unix socket's. */
export function assertSocketPath(socket: string): void {
  const bytes = Buffer.byteLength(socket);
  if (bytes > LONGEST_PATH) {
    throw new TypeError(
      `'${socket}' is too long for a unix socket: it has ${bytes} bytes, and ${LONGEST_PATH} is most`,
    );
  }
  // QEMU may have been started in another folder.
  if (!isAbsolute(socket)) throw new TypeError(`'${socket}' must be an absolute path: QEMU makes the socket there`);
}

export function createLiveServer(qmp: Qmp, socket: string): LiveServer {
  let mayRun = false;
  const removeSocket = async (): Promise<void> => rm(socket, { force: true });

  return {
    async start() {
      // QEMU takes away whatever is there, and makes its socket.
      if (await isThere(socket)) throw new QemuError("busy", qmp.url, `'${socket}' is there already`);
      mayRun = true; // also if it fails: what timed out may still be carried out
      try {
        await qmp.execute("nbd-server-start", { addr: { type: "unix", data: { path: socket } } });
      } catch (error) {
        throw reasonOf(error);
      }
    },
    async stop(isOurs) {
      if (!mayRun) return;
      if (qmp.ended.aborted) await removeSocket(); // a QEMU that died leaves it
      // One that somebody has stopped took its socket along; whatever runs since is not ours to stop.
      if (isOurs || (await isThere(socket))) await qmp.execute("nbd-server-stop");
      await removeSocket();
      mayRun = false;
    },
  };
}

/** QEMU has but one class for most of what it refuses. */
function reasonOf(error: unknown): unknown {
  if (!(error instanceof QemuError) || error.code !== "refused") return error;
  if (error.qemuClass === "CommandNotFound") {
    return new QemuError("not-supported", error.url, "this QEMU has no NBD server", { cause: error });
  }
  if (!/already running/u.test(error.message)) return error;
  const what = "its NBD server runs already: somebody else uses it, and a QEMU has but one";
  return new QemuError("busy", error.url, what, { cause: error });
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

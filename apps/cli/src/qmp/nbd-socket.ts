import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

import type { QmpAddress } from "@blkmig/qemu";

import { CommandError } from "../command-error.ts";

/** Of `sun_path`, less its last zero: what a unix socket's path may have on Linux. */
const MOST_PATH_BYTES = 107;

/** Where QEMU serves its disks meanwhile: as said, or beside the monitor's socket, which QEMU could make there too. */
export function chooseNbdSocket(said: string | undefined, monitor: QmpAddress): string {
  if (said !== undefined) return assertSocketPath(said);
  const folder = monitor.kind === "unix" ? dirname(monitor.path) : tmpdir();
  return assertSocketPath(join(folder, `blkmig-${randomBytes(4).toString("hex")}.nbd`));
}

function assertSocketPath(path: string): string {
  if (!isAbsolute(path))
    throw new CommandError("usage", `--nbd-socket: '${path}' is no absolute path, and QEMU has its own folder`);
  if (Buffer.byteLength(path) <= MOST_PATH_BYTES) return path;
  const message = `--nbd-socket: a socket's path has at most ${MOST_PATH_BYTES} bytes: '${path}' is too long; say another`;
  throw new CommandError("usage", message);
}

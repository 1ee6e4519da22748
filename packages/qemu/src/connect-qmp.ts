import { isIPv6 } from "node:net";
import { resolve } from "node:path";

import { type Clock, systemClock } from "@blkmig/device";
import { type Connection, TransportError } from "@blkmig/transport";
import { connectTcp, connectUnix } from "@blkmig/transport/tcp";

import { QemuError } from "./qemu-error.ts";
import type { ConnectQmpOptions, Qmp, QmpAddress } from "./qmp-contract.ts";
import { QmpSession } from "./qmp-session.ts";

const TIMEOUT_MS = 30_000;

/** Connects to a monitor, and settles when it takes commands. Throws `QemuError`: `gone`, `no-qmp`, `timeout`. */
export async function connectQmp(address: QmpAddress, options: ConnectQmpOptions = {}): Promise<Qmp> {
  const { timeoutMs = TIMEOUT_MS, clock = systemClock, signal } = options;
  const url = urlOf(address);
  const attempt = new AbortController();
  const giveUp = (): void => attempt.abort(new QemuError("gone", url, "given up", { cause: signal?.reason }));
  if (signal?.aborted) giveUp();
  signal?.addEventListener("abort", giveUp);
  const isOver = new AbortController();
  const tooLong = `no greeting within ${timeoutMs / 1000} s: it is no QMP monitor, or one that serves another client (it serves one at a time)`;
  void clock.sleep(timeoutMs, isOver.signal).then(() => attempt.abort(new QemuError("timeout", url, tooLong)));
  try {
    return await open(address, { url, timeoutMs, clock }, attempt.signal);
  } catch (error) {
    throw attempt.signal.aborted ? attempt.signal.reason : error;
  } finally {
    isOver.abort();
    signal?.removeEventListener("abort", giveUp);
  }
}

async function open(
  address: QmpAddress,
  options: { readonly url: string; readonly timeoutMs: number; readonly clock: Clock },
  signal: AbortSignal,
): Promise<Qmp> {
  const session = new QmpSession(await dial(address, options.url, signal), options);
  const letGo = (): void => session.close();
  signal.addEventListener("abort", letGo);
  if (signal.aborted) letGo(); // while it was dialled
  try {
    const version = await session.greeting;
    await session.execute("qmp_capabilities");
    return {
      url: options.url,
      version,
      ended: session.ended,
      execute: async (command, parameters, executing) => session.execute(command, parameters, executing),
      watch: (listener) => session.watch(listener),
      events: () => session.events(),
      close: () => session.close(),
    };
  } catch (error) {
    session.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", letGo);
  }
}

async function dial(address: QmpAddress, url: string, signal: AbortSignal): Promise<Connection> {
  try {
    if (address.kind === "unix") return await connectUnix({ path: address.path, signal });
    return await connectTcp({ host: address.host, port: address.port, signal });
  } catch (error) {
    const what = error instanceof TransportError ? error.message.replace(`${error.url}: `, "") : String(error);
    throw new QemuError("gone", url, what, { cause: error });
  }
}

function urlOf(address: QmpAddress): string {
  if (address.kind === "unix") return `unix://${resolve(address.path)}`;
  return `tcp://${isIPv6(address.host) ? `[${address.host}]` : address.host}:${address.port}`;
}

import type { ConnectQmpOptions, Qmp, QmpAddress } from "./qmp-contract.ts";

/** Connects to a monitor, and settles when it takes commands. Throws `QemuError`: `gone`, `no-qmp`, `timeout`. */
export async function connectQmp(address: QmpAddress, options: ConnectQmpOptions = {}): Promise<Qmp> {
  throw new Error(`not landed: ${JSON.stringify({ address, options })}`);
}

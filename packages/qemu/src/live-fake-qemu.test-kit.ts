import { createDirtyBitmap, type DirtyBitmap } from "@blkmig/device";

import type { Pass } from "./export-pass.ts";
import { formatName } from "./names.ts";
import { QemuError } from "./qemu-error.ts";
import type { Qmp, QmpEvent } from "./qmp-contract.ts";

type Parameters = Readonly<Record<string, unknown>>;

interface FakeBitmap {
  readonly node: string;
  readonly name: string;
  readonly map: DirtyBitmap;
  recording: boolean;
}

export const DISK_BYTES: number = 1024 * 1024;
export const GRANULE: number = 64 * 1024;

/** What of a QEMU a live disk touches, as far as its answers go: bitmaps, exports, and whether the guest runs. */
export class FakeQemu implements Qmp {
  readonly url = "unix:///fake";
  readonly version = { major: 10, minor: 0, micro: 2, package: "" };
  readonly asked: string[] = [];
  readonly exports = new Map<string, { shuttingDown: boolean }>();
  bitmaps: FakeBitmap[] = [];
  status = "running";
  /** Before a command is carried out; what it throws, the command throws. */
  before: (command: string, parameters: Parameters) => void | Promise<void> = () => {};
  /** After it: the command was carried out, whatever this throws. */
  after: (command: string) => void = () => {};
  /** Before each action of a transaction. */
  meanwhile: () => void = () => {};
  /** Whether QEMU says that an export is gone. */
  saysDeleted = true;
  readonly #nodes: readonly string[];
  readonly #over = new AbortController();
  readonly #listeners = new Set<(event: QmpEvent) => void>();

  constructor(nodes: readonly string[] = ["n0", "n1"]) {
    this.#nodes = nodes;
  }

  get ended(): AbortSignal {
    return this.#over.signal;
  }

  async execute(command: string, parameters: Parameters = {}): Promise<unknown> {
    this.ended.throwIfAborted();
    this.asked.push(command);
    await this.before(command, parameters);
    const result = this.#carryOut(command, parameters);
    this.after(command);
    return result ?? {};
  }

  watch(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  emit(event: string, data: Parameters = {}): void {
    for (const listener of this.#listeners) listener({ event, data, at: 0 });
  }

  events(): never {
    throw new Error("nobody asks for these here");
  }

  close(): void {
    this.#over.abort(this.error("gone"));
  }

  error(code: QemuError["code"]): QemuError {
    return new QemuError(code, this.url, "as the test wants it");
  }

  /** A guest's write. */
  write(node: string, offset: number): void {
    for (const bitmap of this.bitmaps) if (bitmap.node === node && bitmap.recording) bitmap.map.mark(offset, 1);
  }

  names(): readonly string[] {
    return this.bitmaps.map(({ node, name }) => `${node}:${name}`);
  }

  /** Instead of NBD. */
  readonly readPasses = async (passes: readonly Pass[]): Promise<void> => {
    await this.before("read", {});
    for (const { pass, disk, mark } of passes) {
      const { map } = this.#bitmap(disk.node, formatName("m", { is: "writes", pass }));
      for (const { offset, length } of map.runs()) mark(offset, length);
    }
  };

  #carryOut(command: string, parameters: Parameters): unknown {
    switch (command) {
      case "query-status":
        return { status: this.status, running: this.status === "running" };
      case "stop":
      case "cont":
        return this.#turn(command);
      case "query-named-block-nodes":
        return this.#nodes.map((node) => ({ "node-name": node, "dirty-bitmaps": this.#described(node) }));
      case "query-block-exports":
        return [...this.exports].map(([id, { shuttingDown }]) => ({ id, type: "nbd", "shutting-down": shuttingDown }));
      case "block-export-del":
        this.exports.delete(String(parameters["id"]));
        if (this.saysDeleted) this.emit("BLOCK_EXPORT_DELETED", { id: parameters["id"] });
        return undefined;
      case "transaction":
        for (const { type, data } of parameters["actions"] as { type: string; data: Parameters }[]) {
          this.meanwhile();
          this.#carryOut(type, data);
        }
        return undefined;
      case "block-dirty-bitmap-add":
        return this.#add(parameters);
      case "block-dirty-bitmap-disable":
        this.#bitmap(parameters["node"], parameters["name"]).recording = false;
        return undefined;
      case "block-dirty-bitmap-remove": {
        const gone = this.#bitmap(parameters["node"], parameters["name"]);
        this.bitmaps = this.bitmaps.filter((bitmap) => bitmap !== gone);
        return undefined;
      }
      default:
        throw new QemuError("refused", this.url, command, { qemuClass: "CommandNotFound" });
    }
  }

  #turn(command: "stop" | "cont"): void {
    const [to, event] = command === "stop" ? (["paused", "STOP"] as const) : (["running", "RESUME"] as const);
    if (this.status === to || this.status === "suspended") return;
    this.status = to;
    this.emit(event);
  }

  #described(of: string): object[] {
    const own = this.bitmaps.filter(({ node }) => node === of);
    return own.map(({ name, map, recording }) => ({ name, count: map.bytes, recording, busy: false }));
  }

  #add(parameters: Parameters): void {
    const [node, name] = [String(parameters["node"]), String(parameters["name"])];
    if (this.names().includes(`${node}:${name}`)) throw this.error("refused");
    const map = createDirtyBitmap({ size: DISK_BYTES, granularity: GRANULE });
    this.bitmaps.push({ node, name, map, recording: parameters["disabled"] !== true });
  }

  #bitmap(node: unknown, name: unknown): FakeBitmap {
    const found = this.bitmaps.find((bitmap) => bitmap.node === node && bitmap.name === name);
    if (!found) throw this.error("refused");
    return found;
  }
}

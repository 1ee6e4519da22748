import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

/** Since when it is known to be well: 7.2 is not, and nothing between was tried. */
const FIRST_SAFE = 10;

/** Why the thread that a device's requests run in forbids to move its disk. `device`: QEMU's object. Throws `QemuError`. */
export async function whyUnsafeThread(qmp: Qmp, device: string): Promise<string | undefined> {
  const { major, minor, micro } = qmp.version;
  if (major >= FIRST_SAFE) return undefined;
  const thread = await threadOf(qmp, device);
  if (thread === undefined) return undefined;
  const fault = `QEMU ${major}.${minor}.${micro} can crash, and the guest with it, when blkmig hangs up (7.2 does)`;
  return `it is in the iothread '${thread}', where ${fault}: use QEMU ${FIRST_SAFE}.0 or later, or start the machine without this iothread`;
}

/** It belongs to the device, to what that is a part of, or to the controller on whose bus it is. */
async function threadOf(qmp: Qmp, device: string): Promise<string | undefined> {
  const seen = new Set<string>();
  const paths = [...objectsIn(device)];
  for (const path of paths) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const property of ["iothread", "iothread-vq-mapping"]) {
      const thread = nameOf(await getProperty(qmp, path, property));
      if (thread !== undefined) return thread;
    }
    const bus = await getProperty(qmp, path, "parent_bus");
    if (typeof bus === "string") paths.push(...objectsIn(bus));
  }
  return undefined;
}

/** The path of an object says what it is a part of; the first two words are only QEMU's places. */
function objectsIn(path: string): readonly string[] {
  const words = path.split("/");
  const FIRST_OBJECT = 4; // "", "machine", "peripheral", "vda"
  return words.slice(FIRST_OBJECT - 1).map((_, index) => words.slice(0, FIRST_OBJECT + index).join("/"));
}

/** Of `/objects/io0`, or of a list of the queues' threads. */
function nameOf(value: unknown): string | undefined {
  if (typeof value === "string" && value !== "") return value.split("/").at(-1);
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const [first] = value as readonly { readonly iothread?: unknown }[];
  return typeof first?.iothread === "string" ? first.iothread : "of its queues";
}

/** Undefined if the object has no such property. */
async function getProperty(qmp: Qmp, path: string, property: string): Promise<unknown> {
  try {
    return await qmp.execute("qom-get", { path, property });
  } catch (error) {
    if (error instanceof QemuError && error.code === "refused") return undefined;
    throw error;
  }
}

import { createVmDescriptionTail, type EnvelopeFrame, ProtocolError, type VmDescriptionTail } from "@blkmig/protocol";

import type { Device, StreamFrame } from "./item.ts";

/**
 * Takes the machine's bytes out of the frames. At the end it says how many of them were not parsed, and which devices the description
 * lists that ends them. Throws `ProtocolError` `truncated` where they end with neither a description nor EOF.
 */
export async function* tellMachine(frames: AsyncIterable<EnvelopeFrame>): AsyncGenerator<StreamFrame> {
  let rest: { readonly position: number; readonly tail: VmDescriptionTail } | undefined;
  for await (const frame of frames) {
    if (frame.type === "opaque") rest = { position: frame.position, tail: createVmDescriptionTail() };
    else if (frame.type === "machine") rest?.tail.add(frame.bytes);
    else yield frame;
  }
  if (!rest) return;
  const { position, tail } = rest;
  yield { type: "opaque", position, bytes: tail.seen };
  const end = position + tail.seen;
  const found = tail.find();
  if (!found && isCut(tail.bytes()))
    throw new ProtocolError("truncated", "the stream ends inside the devices' state", end);
  yield found
    ? { type: "devices", position: position + found.offset, devices: devicesOf(found.json) }
    : { type: "devices", position: end, devices: undefined };
}

/** Whether the last byte cannot be EOF, nor that of a description which is longer than the tail. */
function isCut(tail: Uint8Array): boolean {
  return tail.at(-1) !== 0 && tail.includes(0);
}

/** Whatever of the list can be read: the description is a peer's. */
function devicesOf(json: string): readonly Device[] {
  try {
    const { devices } = JSON.parse(json) as { devices?: unknown };
    return Array.isArray(devices) ? devices.flatMap(deviceOf) : [];
  } catch {
    return [];
  }
}

function deviceOf(entry: unknown): readonly Device[] {
  const { name, instance_id: instance } = Object(entry) as Readonly<Record<string, unknown>>;
  return typeof name === "string" && typeof instance === "number" ? [{ name, instance }] : [];
}

import { printable } from "../output/printable.ts";
import type { ExtentItem, SessionItem } from "./session-item.ts";

/** What an item of a session is, for people. */
export function describeSessionItem(item: SessionItem): string {
  switch (item.type) {
    case "preface":
      return "preface   blkmig's own session";
    case "data":
    case "hole":
      return `${item.type.padEnd(10)}${describeExtent(item)}`;
    case "hash":
      return `hash      ${describeExtent(item)}: ${item.digest}`;
    case "answer":
      return `answer    ${describeExtent(item)}: ${item.equal ? "equal" : "not equal"}`;
    case "ack":
      return `ack       ${item.written} written, ${item.durable} durable`;
    case "message":
      return `message   ${printable(JSON.stringify(item.message))}`;
    case "ping":
    case "pong":
      return `${item.type.padEnd(10)}${item.value}`;
    case "passed-over":
      return `passed over: ${item.bytes} bytes, type 0x${item.kind.toString(16).padStart(2, "0")}`;
  }
}

function describeExtent({ disk, device, offset, length }: ExtentItem): string {
  return `${device === undefined ? `disk ${disk}` : `'${printable(device)}'`} at ${offset}, ${length} bytes`;
}

import { type Segments, segmentsLength } from "@blkmig/protocol";

import type { Flights } from "./flights.ts";
import type { Delivery, Outlet } from "./outlet.ts";
import { messageOf, Stop } from "./stop.ts";
import type { WireFormat } from "./wire-format.ts";

/** How many units at most are asked about, and sent as zero, in one go. */
const ASK_UNITS = 4096;

/** A classic stream's outlet: counts its bytes, keeps their order, begins and ends its sections. */
export function createClassicOutlet(
  format: WireFormat,
  wire: { send(data: Segments): Promise<void> },
  flights: Flights,
): Outlet {
  let transferred = 0;
  let acknowledged = 0;
  let open = false;
  /** Pings that are not answered, in order: each with the bytes sent before it. */
  const pings: { readonly value: number; readonly sent: number }[] = [];
  let pinged = 0;
  const sendBytes = async (data: Segments): Promise<void> => {
    transferred += segmentsLength(data);
    try {
      await wire.send(data);
    } catch (cause) {
      throw new Stop("wire", `the wire broke: ${messageOf(cause)}`, { cause });
    }
  };
  const send = (frames: Segments): Delivery => {
    const before = open ? [] : format.beginSection();
    open = true;
    const taken = sendBytes(before.length === 0 ? frames : [...before, ...frames]);
    return { taken, landed: taken };
  };
  const postWhole = (data: Segments): void => flights.begin(() => sendBytes(data));
  return {
    unit: format.unit,
    mostBytes: format.unit,
    firstAsk: ASK_UNITS * format.unit,
    mostAsk: ASK_UNITS * format.unit,
    zeroes: format.zeroes,
    open: true,
    get transferred() {
      return transferred;
    },
    get acknowledged() {
      return format.ping && acknowledged;
    },
    data({ disk }, run, buffer) {
      // What is behind the disk's end is whatever the buffer held before: it must not leave this host.
      buffer.fill(0, run.length);
      return send(format.block(disk.name, run.offset, buffer));
    },
    zero({ disk }, run) {
      const frames = format.zeroBlocks(disk.name, run.offset, Math.ceil(run.length / format.unit));
      return { ...send(frames), bytes: segmentsLength(frames) };
    },
    begin: () => postWhole(format.setup()),
    progress: (percent) => flights.begin(() => send(format.progress(percent)).taken),
    endTurn() {
      if (!open) return;
      open = false;
      postWhole(format.endOfSection());
      if (!format.ping) return;
      pings.push({ value: ++pinged, sent: transferred });
      postWhole(format.ping(pinged));
    },
    endPass() {},
    last: () => postWhole(format.last()),
    acknowledge(ping) {
      while (pings[0] && pings[0].value <= ping) acknowledged = pings.shift()?.sent ?? acknowledged;
    },
  };
}

import { type Segments, segmentsLength } from "@blkmig/protocol";

import type { Flights } from "./flights.ts";
import { messageOf, Stop } from "./stop.ts";
import type { WireFormat } from "./wire-format.ts";

/** Where frames leave: counts them, keeps their order, begins and ends sections. */
export interface Outlet {
  /** Bytes of stream handed to the wire. */
  readonly transferred: number;
  /** Of these, bytes that the receiver has said it took; undefined where it cannot say. */
  readonly acknowledged: number | undefined;
  /** The receiver has answered a ping. */
  acknowledge(ping: number): void;
  /** Sends frames; settles when the wire has taken it all and its memory may be reused. */
  send(frames: Segments): Promise<void>;
  /** Sends frames as a flight of its own. */
  post(frames: Segments): void;
  /** Ends the section, if one is open. */
  endSection(): void;
  /** Sends what is whole by itself, outside of any section, as a flight of its own. */
  postWhole(data: Segments): void;
}

export function createOutlet(
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
  const send = (frames: Segments): Promise<void> => {
    const before = open ? [] : format.beginSection();
    open = true;
    return sendBytes(before.length === 0 ? frames : [...before, ...frames]);
  };
  const postWhole = (data: Segments): void => flights.begin(() => sendBytes(data));
  return {
    get transferred() {
      return transferred;
    },
    get acknowledged() {
      return format.ping && acknowledged;
    },
    send,
    post: (frames) => flights.begin(() => send(frames)),
    endSection() {
      if (!open) return;
      open = false;
      postWhole(format.endOfSection());
      if (!format.ping) return;
      pings.push({ value: ++pinged, sent: transferred });
      postWhole(format.ping(pinged));
    },
    acknowledge(ping) {
      while (pings[0] && pings[0].value <= ping) acknowledged = pings.shift()?.sent ?? acknowledged;
    },
    postWhole,
  };
}

import { type Segments, segmentsLength } from "@blkmig/protocol";

import type { Flights } from "./flights.ts";
import { messageOf, Stop } from "./stop.ts";
import type { WireFormat } from "./wire-format.ts";

/** Where frames leave: counts them, keeps their order, ends sections. */
export interface Outlet {
  /** Bytes of stream handed to the wire. */
  readonly transferred: number;
  /** Sends; settles when the wire has taken it all and its memory may be reused. */
  send(data: Segments): Promise<void>;
  /** Sends as a flight of its own. */
  post(data: Segments): void;
  /** Ends the section if anything was sent since the last one ended. */
  endSection(): void;
}

export function createOutlet(
  format: WireFormat,
  wire: { send(data: Segments): Promise<void> },
  flights: Flights,
): Outlet {
  let transferred = 0;
  let open = false;
  const send = async (data: Segments): Promise<void> => {
    transferred += segmentsLength(data);
    open = true;
    try {
      await wire.send(data);
    } catch (cause) {
      throw new Stop("wire", `the wire broke: ${messageOf(cause)}`, { cause });
    }
  };
  const post = (data: Segments): void => flights.begin(() => send(data));
  return {
    get transferred() {
      return transferred;
    },
    send,
    post,
    endSection() {
      if (!open) return;
      post(format.endOfSection());
      open = false;
    },
  };
}

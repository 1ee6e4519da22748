import type { Listener } from "@blkmig/transport";

import { type ControlDesk, createControlDesk } from "../control/control-desk.ts";
import { serveControl } from "../control/control-server.ts";
import type { LiveServer } from "../live/live-contract.ts";
import type { Output } from "../output/output.ts";
import type { Systemd } from "./systemd.ts";

/** A server that answers its clients, and where it is asked and told. */
export interface Served {
  readonly live: LiveServer;
  /** The path of the control socket, if there is one. */
  readonly control: string | undefined;
  /** It, bound. */
  readonly socket: Listener | undefined;
  readonly systemd: Systemd;
}

/** The control socket, answered. */
export interface AtControl {
  readonly desk: Pick<ControlDesk, "close">;
  /** When every migration has ended: its client gets its answer before it is hung up on. */
  close(): Promise<void>;
}

/** Takes ownership of the socket. */
export function answerAtControl(
  { live, control = "", socket, systemd }: Served,
  { output, version }: { readonly output: Output; readonly version: string },
): AtControl {
  const onStatus = (status: string): void => systemd.tell(`STATUS=${status}`);
  const desk = createControlDesk({ live, control, version, output, onStatus });
  const onDrop = (why: string): void => output.warn(`a client of ${control} was hung up on: ${why}`, why);
  const clients = socket && serveControl(socket, { desk, onDrop });
  return {
    desk,
    async close() {
      await clients?.close();
    },
  };
}

import type { LiveServer, LiveState } from "../live/live-contract.ts";
import { type Family, gauge } from "./exposition.ts";

const STATES = [
  "waiting",
  "local",
  "held",
  "in-doubt",
  "forwarding",
  "closed",
  "failed",
] as const satisfies readonly LiveState[];

/** Of disks that are served: who answers for each, and how many use it. */
export function diskFamilies({ status }: Pick<LiveServer, "status">): readonly Family[] {
  const { disks } = status();
  return [
    {
      name: "blkmig_disk_state",
      help: "1 for who answers the clients of a disk: see docs/control.md.",
      type: "gauge",
      samples: disks.flatMap(({ name, state: is }) =>
        STATES.map((state) => ({ labels: { disk: name, state }, value: state === is ? 1 : 0 })),
      ),
    },
    {
      name: "blkmig_disk_size_bytes",
      help: "How large each disk is.",
      type: "gauge",
      samples: disks.map(({ name, size }) => ({ labels: { disk: name }, value: size })),
    },
    {
      name: "blkmig_disk_clients",
      help: "NBD clients of each disk.",
      type: "gauge",
      samples: disks.map(({ name, clients }) => ({ labels: { disk: name }, value: clients.length })),
    },
    gauge(
      "blkmig_nbd_clients",
      "NBD clients of all disks.",
      disks.reduce((sum, { clients }) => sum + clients.length, 0),
    ),
  ];
}

import { expect, it } from "vitest";

import { createFakeLiveServer, STATISTICS } from "../control/fake-live-server.test-kit.ts";
import { liveStatusFields } from "../control/status-fields.ts";
import type { LiveStatus } from "../live/live-contract.ts";
import type { Fields } from "../output/json-lines.ts";
import { describeServer } from "./describe-server.ts";

const { status } = createFakeLiveServer();
/** As it comes over the socket. */
const describe = (of: LiveStatus): readonly string[] =>
  describeServer(JSON.parse(JSON.stringify(liveStatusFields(of))) as Fields);

it("a server is described by where it serves, its disks, its clients, and its migration", () => {
  expect(describe(status())).toEqual([
    "serving at nbd://127.0.0.1:10809",
    "'vda': /vm.img, 1.0 MiB: local",
    "  client tcp://127.0.0.1:4000",
    "no migration has been asked for",
  ]);
});

it("a disk says where it is served now, or what happened; a migration how far it is, or how it ended", () => {
  const [disk] = status().disks;
  const disks = [
    { ...disk!, readOnly: true, state: "forwarding" as const, to: "nbd://there/vda", clients: [] },
    { ...disk!, name: "vdb", state: "failed" as const, why: "its host restarted", clients: [] },
  ];
  const migration = { to: "tcp://there:1", disks: ["vda", "vdb"], statistics: STATISTICS };
  const told = (more: object) => describe({ nbd: ["n"], disks, migration: { ...migration, ...more } }).slice(1);
  expect(told({})).toEqual([
    "'vda': /vm.img, 1.0 MiB, read-only: forwarding to nbd://there/vda",
    "'vdb': /vm.img, 1.0 MiB: failed: its host restarted",
    "migration of 'vda', 'vdb' to tcp://there:1: dirty, 50 %, 512 KiB remaining",
  ]);
  expect(told({ id: "m", ended: "failed", message: "the wire broke" }).at(-1)).toBe(
    "migration m of 'vda', 'vdb' to tcp://there:1: failed: the wire broke",
  );
});

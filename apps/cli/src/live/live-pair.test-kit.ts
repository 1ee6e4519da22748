import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { placeOfRecord, readRecord } from "@blkmig/journal";
import { type NbdDevice, openNbd, parseNbdUrl } from "@blkmig/nbd";
import type { MigrationEvent } from "@blkmig/source";
import { parseWireUrl } from "@blkmig/transport/url";
import { onTestFinished } from "vitest";

import { openAnyDisk } from "../disks/open-any-disk.ts";
import { makeDisk, makeGarbage, MIB } from "../make-disks.test-kit.ts";
import { type Relay, startRelay, type Watch } from "../relay.test-kit.ts";
import { temporaryFolder } from "../run-blkmig.test-kit.ts";
import type { SessionChoices } from "../send/session-choices.ts";
import { type SessionReceiver, startSessionReceiver } from "../session-receiver.test-kit.ts";
import { createLiveServer } from "./create-live-server.ts";
import type { LiveDiskParts, LiveServer, LiveServerOptions, MoveHooks, MoveOptions } from "./live-contract.ts";

const SIZE = 8 * MIB;

export const SESSION: SessionChoices = {
  resume: false,
  clone: false,
  verify: false,
  checksums: true,
  reconnectFor: 2000,
  granularity: 64 * 1024,
};

/** An old server and a new owner, in this process, over real sockets and files. */
export interface LivePair {
  readonly source: string;
  readonly target: string;
  readonly old: LiveServer;
  /** What was said and warned by both. */
  readonly told: readonly string[];
  /** Between the migration's ends, and between the old server and the new owner's NBD server. */
  readonly wire: Relay;
  readonly link: Relay;
  /** The one that takes sessions now. */
  readonly receiver: SessionReceiver;
  /** The new owner's server, once it was announced. */
  readonly owner: LiveServer | undefined;
  /** The paths of any disk, here and there. */
  pathsOf(disk: string): { readonly source: string; readonly target: string };
  client(disk?: string): Promise<NbdDevice>;
  /** A client of the new owner's own. */
  ownClient(): Promise<NbdDevice>;
  move(options?: Partial<MoveOptions>, hooks?: Partial<MoveHooks>): ReturnType<LiveServer["move"]>;
  /** The new owner's server ends, and another one takes its place, at the same address. */
  restartOwner(migration: string): Promise<void>;
  /** The receiver has died; another one takes up what it left. */
  restartReceiver(): Promise<void>;
  /** The old server again, on the same disk. */
  serveAgain(): Promise<LiveServer>;
}

export interface LivePairOptions {
  readonly watch?: Watch;
  /** Whether the receiver says where it will serve. Default true. */
  readonly announces?: boolean;
  /** Names; default `vda` alone. */
  readonly disks?: readonly string[];
  /** `anew`: each server of the owner's is taken for another run of its host. */
  readonly ownerRuns?: "on" | "anew";
  readonly ownerIs?: "the target's" | "somebody else's";
}

export async function startLivePair(options: LivePairOptions = {}): Promise<LivePair> {
  const { watch, announces = true, disks = ["vda"], ownerRuns = "on", ownerIs = "the target's" } = options;
  const [here, there] = [temporaryFolder(), temporaryFolder()];
  const pathsOf = (name: string) => ({ source: here(`${name}.source`), target: there(`${name}.target`) });
  for (const [at, name] of disks.entries()) {
    makeDisk(pathsOf(name).source, SIZE, 3 + at);
    makeGarbage(pathsOf(name).target, SIZE);
  }
  const told: string[] = [];
  const tell = (message: string): void => void told.push(message);
  const clients: NbdDevice[] = [];
  const servers: LiveServer[] = [];

  const partsOf = async (name: string, isOwner: boolean): Promise<LiveDiskParts> => {
    const path = pathsOf(name)[isOwner ? "target" : "source"];
    const opened = await openAnyDisk(path, { name, lock: !isOwner, insecure: false });
    const disk = isOwner && ownerRuns === "anew" ? { ...opened, kind: "nbd" as const } : opened;
    const place = await placeOfRecord(opened);
    return { name, disk, device: disk, place, record: await readRecord(place.path), readOnly: false };
  };
  const serve = async (at: string, more: Partial<LiveServerOptions>): Promise<LiveServer> => {
    const parts = await Promise.all(disks.map((name) => partsOf(name, more.waiting === true)));
    const live = await createLiveServer({
      disks: parts,
      nbd: [parseNbdUrl(at)],
      granularity: 64 * 1024,
      stateDir: undefined,
      waiting: false,
      insecure: false,
      say: tell,
      warn: tell,
      ...more,
    }).catch(async (error: unknown) => {
      await Promise.all(parts.map(({ disk }) => disk.close()));
      throw error;
    });
    servers.push(live);
    return live;
  };

  const oldAt = `nbd+unix:///?socket=${here("old.sock")}`;
  const ownerAt = `nbd+unix:///?socket=${there("owner.sock")}`;
  const link = await startRelay(`unix://${here("link.sock")}`);
  link.leadTo(`unix://${there("owner.sock")}`);
  const linkAt = `nbd+unix:///?socket=${here("link.sock")}`;
  let owner: LiveServer | undefined;

  const announce = async (migration: string): Promise<string> => {
    owner ??= await serve(ownerAt, {
      waiting: true,
      migration: ownerIs === "the target's" ? migration : "other",
    });
    return linkAt;
  };
  const receive = async (): Promise<SessionReceiver> =>
    startSessionReceiver({
      targets: Object.fromEntries(disks.map((name) => [name, pathsOf(name).target])),
      ...(announces ? { serve: announce } : {}),
      onCommitted: async () => owner?.open(),
    });
  let receiver = await receive();
  const wire = await startRelay(receiver.url, watch);
  const old = await serve(oldAt, {});

  onTestFinished(async () => {
    for (const server of servers) await server.close().catch(tell as (error: unknown) => void);
    await Promise.all(clients.map((client) => client.close().catch(() => {})));
  });

  const connect = async (url: string): Promise<NbdDevice> => {
    const client = await openNbd(parseNbdUrl(url), { reconnectFor: 0 });
    clients.push(client);
    return client;
  };

  return {
    ...pathsOf("vda"),
    pathsOf,
    old,
    told,
    wire,
    link,
    get receiver() {
      return receiver;
    },
    get owner() {
      return owner;
    },
    client: (disk = "vda") => connect(`nbd+unix:///${disk}?socket=${here("old.sock")}`),
    ownClient: () => connect(`nbd+unix:///vda?socket=${there("owner.sock")}`),
    move: (wanted = {}, hooks = {}) =>
      old.move(
        {
          to: parseWireUrl(wire.url),
          listen: false,
          tls: undefined,
          remote: undefined,
          disks: undefined,
          after: "forward",
          forwardTo: undefined,
          maxBandwidth: undefined,
          downtimeLimit: 1000,
          throttle: false,
          mirror: false,
          insecure: false,
          ...wanted,
          session: wanted.session ?? SESSION,
        },
        {
          onEvent: (event: MigrationEvent) => void (event.type === "warning" && tell(event.message)),
          say: tell,
          warn: tell,
          ...hooks,
        },
      ),
    async restartOwner(migration) {
      await owner?.close();
      owner = await serve(ownerAt, { waiting: true, migration });
      owner.open();
    },
    async restartReceiver() {
      receiver = await receive();
      wire.leadTo(receiver.url);
    },
    serveAgain: () => serve(oldAt, {}),
  };
}

export function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

import { makeFileSystem } from "./guest-files.ts";
import { type LiveGuest, startLiveGuest } from "./live-guest.ts";
import { makeGarbageDisk } from "./make-disk.ts";
import { type Blkmig, startBlkmig } from "./run-blkmig.ts";

const MIB = 1048576;

/** The images of a guest's two disks, of one owner. */
export interface Images {
  readonly records: string;
  readonly files: string;
}

/** A guest at work on two disks of a `blkmig serve`. */
export interface ServedGuest {
  readonly guest: LiveGuest;
  readonly images: Images;
  readonly server: Blkmig;
  /** The server's command line, to start another one in its place. */
  readonly serve: readonly string[];
  /** Of the server: for `send --from`. */
  readonly control: string;
}

/** Boots it. `reconnect`: seconds in which its QEMU waits for another server. Everything is killed when the test is over. */
export async function startServedGuest(path: (name: string) => string, reconnect = 0): Promise<ServedGuest> {
  const images = {
    records: makeGarbageDisk(path("src-vda"), 32 * MIB),
    files: makeFileSystem(path("src-vdb"), 48 * MIB),
  };
  const [control, socket] = [path("control"), path("src.nbd")];
  const serve = ["serve", "--json", ...diskFlags(images), "--nbd", unixUrl(socket), "--control", control];
  const server = startBlkmig(serve);
  await server.events.until(({ event }) => event === "serving");
  const place = { server: { type: "unix", path: socket }, "reconnect-delay": reconnect } as const;
  const guest = await startLiveGuest({
    path,
    records: { ...place, export: "vda" },
    files: { ...place, export: "vdb" },
  });
  return { guest, images, server, serve, control };
}

/** `--disk NAME=PATH` of both. */
export function diskFlags({ records, files }: Images): readonly string[] {
  return ["--disk", `vda=${records}`, "--disk", `vdb=${files}`];
}

/** The NBD URL of a unix socket. */
export function unixUrl(socket: string): string {
  return `nbd+unix:///?socket=${socket}`;
}

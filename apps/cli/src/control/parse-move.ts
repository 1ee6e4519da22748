import { isAbsolute } from "node:path";

import type { NbdUrl } from "@blkmig/nbd";
import type { WireUrl } from "@blkmig/transport/url";

import { isSocket, parseAddress } from "../arguments/parse-address.ts";
import { parseBandwidth } from "../arguments/parse-bytes.ts";
import { isGuarded, parseNbd } from "../arguments/parse-nbd-address.ts";
import { parseTime } from "../arguments/parse-time.ts";
import { parseTlsFiles, type TlsFlags } from "../arguments/tls-arguments.ts";
import { CommandError } from "../command-error.ts";
import type { After, MoveOptions } from "../live/live-contract.ts";
import { parseRemoteReceiver } from "../send/remote-receiver.ts";
import { parseSessionChoices } from "../send/session-choices.ts";
import { flagsOf, type MoveFlags, type MoveWords } from "./move-words.ts";

const DOWNTIME_LIMIT = "300ms";

/**
 * Understands what a `send` asks for, at the server as at whoever asks it. `served`: the disks' names, where they are known.
 * Throws `CommandError`: `usage`, and `refused` for clear text to another machine.
 */
export function parseMove(words: MoveWords, served?: readonly string[]): MoveOptions {
  const flags = flagsOf(words);
  const {
    disk,
    insecure = false,
    listen = false,
    maxBandwidth,
    downtimeLimit,
    throttle = false,
    mirror = false,
  } = flags;
  const to = parseReceiver(flags.to, insecure);
  if (listen && !isSocket(to)) throw new CommandError("usage", `--listen: nobody can dial ${flags.to}`);
  const after = parseAfter(flags.after ?? "forward");
  return {
    to,
    listen,
    tls: parseTlsFiles(absolute(flags), to),
    remote: parseRemote(flags, to, served),
    disks: disk && parseNames(disk),
    session: parseSession(flags),
    after,
    forwardTo: flags.forwardTo === undefined ? undefined : parseForwardTo(flags.forwardTo, after, insecure),
    maxBandwidth: maxBandwidth === undefined ? undefined : parseBandwidth(maxBandwidth, "--max-bandwidth"),
    downtimeLimit: parseTime(downtimeLimit ?? DOWNTIME_LIMIT, "--downtime-limit"),
    throttle,
    mirror,
    insecure,
  };
}

/** Where somebody answers; standard input would be the server's own. */
function parseReceiver(text: string, insecure: boolean): WireUrl {
  const to = parseAddress(text, { insecure, ssh: true });
  if (to.kind === "file")
    throw new CommandError("usage", `${text}: a file cannot answer, and a live disk needs a commit`);
  if (to.kind === "stdio")
    throw new CommandError("usage", `${text}: the disks are another process's, which has no such pipe`);
  return to;
}

function parseAfter(word: string): After {
  if (word === "forward" || word === "close" || word === "hold") return word;
  throw new CommandError("usage", `--after: '${word}' is none of forward, close and hold`);
}

function parseNames(names: readonly string[]): readonly string[] {
  for (const [at, name] of names.entries()) {
    if (names.indexOf(name) !== at) throw new CommandError("usage", `--disk: '${name}' is said twice`);
    if (!name.includes("=")) continue;
    throw new CommandError("usage", `--disk ${name}: with --from a disk has a NAME alone: the server has it`);
  }
  return names;
}

/** The grain is the server's: it has tracked by it all along. */
function parseSession({ resume = false, verify, checksum, reconnectFor }: MoveFlags): MoveOptions["session"] {
  const said = {
    ...(verify === undefined ? {} : { verify }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(reconnectFor === undefined ? {} : { reconnectFor }),
  };
  return parseSessionChoices({ resume, clone: false, zeroBlocks: true, ...said }, "2")!;
}

function parseRemote(flags: MoveFlags, to: WireUrl, served: readonly string[] | undefined): MoveOptions["remote"] {
  const { remoteDisk = [], remoteFlag = [], remoteCommand, sshCommand } = flags;
  const remote = {
    remoteDisk,
    remoteFlag,
    ...(remoteCommand === undefined ? {} : { remoteCommand }),
    ...(sshCommand === undefined ? {} : { sshCommand }),
  };
  // Whether all that are served have their target there is known at the server alone.
  const names = flags.disk ?? served ?? remoteDisk.map((text) => text.split("=")[0]!);
  return parseRemoteReceiver(
    remote,
    to,
    names.map((name) => ({ name })),
  );
}

/** Files are read by the server, whose folder is another one. */
function absolute({ tokenFile, tlsCert, tlsKey, tlsCa }: MoveFlags): TlsFlags {
  const files = { tokenFile, tlsCert, tlsKey, tlsCa };
  const said = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined);
  for (const [, path] of said) assertAbsolute(path);
  return Object.fromEntries(said);
}

function assertAbsolute(path: string): void {
  if (!isAbsolute(path)) throw new CommandError("usage", `'${path}' is read by the server: say its absolute path`);
}

function parseForwardTo(text: string, after: After, insecure: boolean): NbdUrl {
  if (after !== "forward") throw new CommandError("usage", `--forward-to: after ${after} nobody is passed on`);
  const url = parseNbd(text, "--forward-to");
  if (url.exportName !== "") {
    throw new CommandError("usage", `--forward-to ${text}: no export is said: each disk's is called as the disk is`);
  }
  for (const path of [url.pskFile, url.certificates]) if (path !== undefined) assertAbsolute(path);
  if (insecure || isGuarded(url)) return url;
  throw new CommandError(
    "refused",
    `--forward-to ${text} is in clear text and not only on this machine: anybody on the way could read and change the disk; say --insecure to allow it`,
  );
}

import type { WireUrl } from "@blkmig/transport/url";

import { type DiskArgument, parseNamed } from "../arguments/parse-disk.ts";
import { CommandError } from "../command-error.ts";
import { splitWords } from "./split-words.ts";

/** The options for `ssh:`. */
export interface RemoteFlags {
  readonly remoteDisk: readonly string[];
  readonly remoteFlag: readonly string[];
  readonly remoteCommand?: string;
  readonly sshCommand?: string;
}

/** The receiver that is run on the other machine. */
export interface RemoteReceiver {
  /** ssh and its first arguments. */
  readonly ssh: readonly [string, ...string[]];
  /** The program there and its arguments, word for word. */
  command(how: { readonly resume: boolean }): readonly string[];
}

type Named = Pick<DiskArgument, "name">;

/** Every disk has its target there, and every target its disk. Undefined unless it is `ssh:`. */
export function parseRemoteReceiver(
  flags: RemoteFlags,
  to: WireUrl,
  disks: readonly Named[],
): RemoteReceiver | undefined {
  if (to.kind !== "ssh") {
    refuseWithout(flags);
    return undefined;
  }
  const targets = flags.remoteDisk.map((text) => parseNamed(text, "--remote-disk", "TARGET"));
  assertPaired(disks, targets);
  const program = flags.remoteCommand ?? "blkmig";
  const words = targets.flatMap(({ name, value }) => ["--disk", `${name}=${value}`]);
  return {
    ssh: splitWords(flags.sshCommand ?? "ssh", "--ssh-command"),
    command: ({ resume }) => {
      const again = resume && !flags.remoteFlag.includes("--resume") ? ["--resume"] : [];
      return [program, "receive", "stdio:", ...words, ...flags.remoteFlag, ...again];
    },
  };
}

function assertPaired(disks: readonly Named[], targets: readonly Named[]): void {
  const names = new Set<string>();
  for (const { name } of targets) {
    if (names.has(name)) throw new CommandError("usage", `--remote-disk: two targets are called '${name}'`);
    if (!disks.some((disk) => disk.name === name)) {
      throw new CommandError("usage", `--remote-disk: no --disk is called '${name}'`);
    }
    names.add(name);
  }
  const lacking = disks.find(({ name }) => !names.has(name));
  if (lacking) throw new CommandError("usage", `ssh: needs --remote-disk ${lacking.name}=TARGET, its place there`);
}

function refuseWithout({ remoteDisk, remoteFlag, remoteCommand, sshCommand }: RemoteFlags): void {
  const said = [
    ...(remoteDisk.length > 0 ? ["--remote-disk"] : []),
    ...(remoteFlag.length > 0 ? ["--remote-flag"] : []),
    ...(remoteCommand === undefined ? [] : ["--remote-command"]),
    ...(sshCommand === undefined ? [] : ["--ssh-command"]),
  ];
  if (said.length > 0) throw new CommandError("usage", `${said[0]} is for ssh: alone`);
}

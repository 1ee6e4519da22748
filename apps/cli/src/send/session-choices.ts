import { parseBytes } from "../arguments/parse-bytes.ts";
import { parseTime } from "../arguments/parse-time.ts";
import { CommandError } from "../command-error.ts";
import type { SendWire } from "./choose-wire.ts";

const DEFAULT_RECONNECT_FOR = "5m";
const DEFAULT_GRANULARITY = "64K";
const KiB = 1024;
const MiB = 1024 * KiB;

/** The options that only a session has. */
export interface SessionFlags {
  readonly resume: boolean;
  readonly clone: boolean;
  readonly verify?: boolean;
  readonly checksum?: boolean;
  readonly reconnectFor?: string;
  readonly granularity?: string;
}

/** What a session shall do. */
export interface SessionChoices {
  readonly resume: boolean;
  readonly clone: boolean;
  readonly verify: boolean;
  /** Whether data is sent with checksums, if the receiver does not insist on them. */
  readonly checksums: boolean;
  /** Milliseconds. */
  readonly reconnectFor: number;
  /** Bytes. */
  readonly granularity: number;
}

/** Understands them; undefined for the older wires, on which each is refused: none of them would do anything. */
export function parseSessionChoices(
  flags: SessionFlags & { readonly zeroBlocks: boolean },
  wire: SendWire,
): SessionChoices | undefined {
  if (wire !== "2") {
    refuseOn(wire, flags);
    return undefined;
  }
  if (!flags.zeroBlocks) {
    throw new CommandError("usage", "--no-zero-blocks is for the older wires: a session has no zero blocks");
  }
  return {
    resume: flags.resume,
    clone: flags.clone,
    verify: flags.verify ?? true,
    checksums: flags.checksum ?? true,
    reconnectFor: parseTime(flags.reconnectFor ?? DEFAULT_RECONNECT_FOR, "--reconnect-for"),
    granularity: parseGranularity(flags.granularity ?? DEFAULT_GRANULARITY),
  };
}

function refuseOn(wire: SendWire, { resume, clone, verify, checksum, reconnectFor, granularity }: SessionFlags): void {
  const said = [
    ...(resume ? ["--resume"] : []),
    ...(clone ? ["--clone"] : []),
    ...(verify === undefined ? [] : [verify ? "--verify" : "--no-verify"]),
    ...(checksum === false ? ["--no-checksum"] : []),
    ...(reconnectFor === undefined ? [] : ["--reconnect-for"]),
    ...(granularity === undefined ? [] : ["--granularity"]),
  ];
  if (said.length > 0) throw new CommandError("usage", `${said[0]} is for --wire 2 alone; here ${wire} is spoken`);
}

function parseGranularity(text: string): number {
  const bytes = parseBytes(text, "--granularity");
  if (bytes >= 4 * KiB && bytes <= MiB && Number.isInteger(Math.log2(bytes))) return bytes;
  throw new CommandError("usage", `--granularity: '${text}' is no power of two from 4K to 1M`);
}

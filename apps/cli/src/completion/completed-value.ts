import { DANGERS } from "../arguments/parse-dangers.ts";
import { WIRES } from "../send/choose-wire.ts";

/** What a shell may offer where a value stands. */
export type CompletedValue =
  | { readonly offer: "files" }
  | { readonly offer: "folders" }
  /** A name, `=`, and a file. */
  | { readonly offer: "named-files" }
  | { readonly offer: "words"; readonly words: readonly string[] }
  | { readonly offer: "nothing" };

const words = (...all: readonly string[]): CompletedValue => ({ offer: "words", words: all });
const FILES: CompletedValue = { offer: "files" };
const NAMED: CompletedValue = { offer: "named-files" };
const NOTHING: CompletedValue = { offer: "nothing" };
const WIRE_KINDS = ["tcp://", "tls://", "ws://", "wss://", "unix:///", "file:///", "stdio:"];
const NBD_KINDS = words("nbd://", "nbd+unix:///", "nbds://");
const METRICS_KINDS = words("http://127.0.0.1:9469/metrics", "unix:///");
const MONITOR_KINDS = words("unix:///", "tcp://");

/** By the word that stands for the value in the help. Of an address only its kind can be known here. */
const BY_PLACEHOLDER: Readonly<Record<string, CompletedValue>> = {
  a: FILES,
  at: words(...WIRE_KINDS),
  b: FILES,
  bytes: NOTHING,
  code: NOTHING,
  command: NOTHING,
  control: FILES,
  file: FILES,
  flag: NOTHING,
  folder: { offer: "folders" },
  generation: words(...WIRES),
  id: NOTHING,
  name: NOTHING,
  "name=bytes": NOTHING,
  "name=path": NAMED,
  "name=source": NAMED,
  "name=target": NAMED,
  origin: words("https://", "http://"),
  path: FILES,
  stream: FILES,
  time: NOTHING,
  to: words(...WIRE_KINDS, "ssh://"),
  uri: words("tcp:", "unix:"),
};

/** By command and option, where the same word stands for different things. */
const BY_OPTION: Readonly<Record<string, CompletedValue>> = {
  "limits --max-bandwidth": words("none"),
  "receive --force": words(...DANGERS.receive),
  "receive --metrics": METRICS_KINDS,
  "receive --nbd": NBD_KINDS,
  "resolve --qmp": MONITOR_KINDS,
  "send --after": words("forward", "close", "hold", "cont"),
  "send --force": words(...DANGERS.send),
  "send --forward-to": NBD_KINDS,
  "send --qmp": MONITOR_KINDS,
  "send --remote-command": NOTHING, // of the machine there
  "send --remote-disk": NOTHING,
  "send --to-qmp": MONITOR_KINDS,
  "serve --force": words(...DANGERS.serve),
  "send --metrics": METRICS_KINDS,
  "serve --metrics": METRICS_KINDS,
  "serve --nbd": NBD_KINDS,
  "status --qmp": MONITOR_KINDS,
};

/** What may stand for a value. Undefined: it is of a kind that is in neither table, which a test complains of. */
export function completedValue(command: string, option: string, placeholder: string): CompletedValue | undefined {
  return BY_OPTION[`${command} ${option}`] ?? BY_PLACEHOLDER[placeholder];
}

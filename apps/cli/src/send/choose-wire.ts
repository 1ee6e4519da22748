import type { WireUrl } from "@blkmig/transport/url";

import { CommandError } from "../command-error.ts";

/** What is spoken: blkmig's own session, a classic generation, or QEMU's envelope around the newer one. */
export type SendWire = "2" | "1.1" | "1.0" | "qemu";

/** What `--wire` and the address come to. */
export interface ChosenWire {
  readonly wire: SendWire;
  /** Why it is an older one though none was asked for. */
  readonly why?: string;
}

const WHY = "nobody can answer on standard input: so it is sent by the classic stream 1.1, which nobody commits";

export const WIRES: ReadonlySet<string> = new Set(["2", "1.1", "1.0", "qemu"] satisfies SendWire[]);
const isWire = (word: string): word is SendWire => WIRES.has(word);

/** A session needs somebody who answers: a file has nobody, nor has one pipe. `answered`: whether the address has. */
export function chooseWire(said: string | undefined, to: WireUrl, answered: boolean): ChosenWire {
  if (said === undefined)
    return answered ? { wire: "2" } : { wire: "1.1", ...(to.kind === "file" ? {} : { why: WHY }) };
  if (!isWire(said)) {
    throw new CommandError("usage", `--wire: '${said}' is no wire; they are 2, 1.1, 1.0 and qemu`);
  }
  if (said === "2" && !answered) {
    const nobody = to.kind === "file" ? "a file cannot answer" : "nobody can answer on standard input";
    throw new CommandError("usage", `--wire 2: ${nobody}; --wire 1.1 needs no answer`);
  }
  if (said === "qemu" && to.kind === "ssh") {
    throw new CommandError("usage", "--wire qemu: what is run over ssh is a blkmig");
  }
  return { wire: said };
}

import type { Segments } from "@blkmig/transport";

import type { NbdExport } from "./nbd-contract.ts";
import { BASE_ALLOCATION, HANDSHAKE_FLAG, INFO, OPT, REP } from "./nbd-numbers.ts";
import { type ChosenContexts, chooseContexts, CONTEXT_ID, listContexts } from "./server-contexts.ts";
import { describeExport, findExport, type ServedExport, transmissionFlags } from "./server-export.ts";
import type { HandshakeFrame } from "./server-handshake.ts";
import {
  encodeBlockSizeInfo,
  encodeContext,
  encodeExport,
  encodeExportInfo,
  encodeListed,
  encodeOptionError,
  encodeOptionReply,
  encodeTextInfo,
} from "./server-option-replies.ts";
import { parseOption, type PlainOption, type ServerOption } from "./server-options.ts";

/** What a client and we have agreed on when it gets its export. */
export interface Agreement {
  readonly served: ServedExport;
  readonly structured: boolean;
  /** BLOCK_STATUS is understood. */
  readonly allocation: boolean;
}

/** What is to be done about something that a client said: fence, send, and then go on, or not. */
export interface NegotiationStep {
  /** Before anything is sent: whoever was that link before is gone, and its requests have settled. */
  readonly fence?: { readonly exportName: string; readonly key: string };
  readonly send: Segments;
  /** Why it did not get an export that it asked for. */
  readonly denied?: string;
  readonly next:
    | { readonly do: "go-on" | "leave" | "secure" }
    | { readonly do: "transmit"; readonly agreement: Agreement }
    | { readonly do: "hang-up"; readonly why: string };
}

export interface NegotiationParts {
  readonly exports: () => readonly NbdExport[];
  /** `required`: nothing is said in clear text. */
  readonly tls: "none" | "required";
  /** No payload is longer, whatever an export allows. */
  readonly payloadBytes: number;
}

/** Whoever asks for more has no mind to choose. */
const MOST_OPTIONS = 256;

const GO_ON = { do: "go-on" } as const;

type OptionOf<Type extends ServerOption["type"]> = Extract<ServerOption, { readonly type: Type }>;

/** What is answered to one client before it has an export. It decides and does nothing. */
export interface Negotiation {
  answer(frame: HandshakeFrame): NegotiationStep;
  /** From here on it is TLS. There is nothing to be forgotten: with keys, nothing is agreed on in clear text. */
  secured(): void;
}

/** A negotiation that begins, in clear text. */
export function createNegotiation({ exports, tls: rule, payloadBytes }: NegotiationParts): Negotiation {
  let tls: "none" | "required" | "done" = rule;
  let withZeroes = true;
  let structured = false;
  let chosen: { readonly exportName: string; readonly contexts: ChosenContexts } | undefined;
  let options = 0;

  function find(name: string): ServedExport | undefined {
    const found = findExport(exports(), name);
    return found && describeExport(found, payloadBytes);
  }

  /** Contexts count for the export that they were chosen for. */
  function agree(served: ServedExport): Agreement {
    const contexts = chosen?.exportName === served.name ? chosen.contexts : undefined;
    return { served, structured, allocation: structured && contexts?.allocation === true };
  }

  function flags(value: number): NegotiationStep {
    if (value & ~(HANDSHAKE_FLAG.FIXED_NEWSTYLE | HANDSHAKE_FLAG.NO_ZEROES)) {
      return hangUp(`it wants what nobody offered (flags 0x${value.toString(16)})`);
    }
    withZeroes = (value & HANDSHAKE_FLAG.NO_ZEROES) === 0;
    return { send: [], next: GO_ON };
  }

  function exportName({ exportName: name }: OptionOf<"export-name">): NegotiationStep {
    if (tls === "required") return hangUp("it asked for an export in clear text"); // this option knows no error
    const served = find(name);
    if (!served) return hangUp(`there is no export '${name}'`);
    const size = encodeExport(served.device.size, transmissionFlags(served, structured), withZeroes);
    return { send: [size], next: { do: "transmit", agreement: agree(served) } };
  }

  function info(option: number, { exportName: name, wants, go }: OptionOf<"information">): NegotiationStep {
    const served = find(name);
    if (!served) return unknown(option, { name, go });
    const send = [encodeExportInfo(option, served.device.size, transmissionFlags(served, structured))];
    if (wants.includes(INFO.NAME)) send.push(encodeTextInfo(option, INFO.NAME, served.name));
    if (wants.includes(INFO.DESCRIPTION) && served.description !== undefined) {
      send.push(encodeTextInfo(option, INFO.DESCRIPTION, served.description));
    }
    send.push(encodeBlockSizeInfo(option, served.blockSizes), encodeOptionReply(option, REP.ACK));
    return { send, next: go ? { do: "transmit", agreement: agree(served) } : GO_ON };
  }

  function list(option: number): NegotiationStep {
    const items = exports().map(({ name, description = "" }) => encodeListed(option, name, description));
    return { send: [...items, encodeOptionReply(option, REP.ACK)], next: GO_ON };
  }

  function secure(option: number): NegotiationStep {
    if (tls === "none") return refuse(option, REP.ERR_POLICY, "this server has no keys for TLS");
    if (tls === "done") return refuse(option, REP.ERR_INVALID, "this is TLS already");
    return { send: [encodeOptionReply(option, REP.ACK)], next: { do: "secure" } };
  }

  function structure(option: number): NegotiationStep {
    structured = true;
    return { send: [encodeOptionReply(option, REP.ACK)], next: GO_ON };
  }

  function listed(option: number, { exportName: name, queries }: OptionOf<"contexts">): NegotiationStep {
    const served = find(name);
    if (!served) return refuse(option, REP.ERR_UNKNOWN, `there is no export '${name}'`);
    const names = listContexts(served, queries).map((each) => encodeContext(option, 0, each));
    return { send: [...names, encodeOptionReply(option, REP.ACK)], next: GO_ON };
  }

  function choose(option: number, { exportName: name, queries }: OptionOf<"contexts">): NegotiationStep {
    chosen = undefined; // whatever becomes of this, it replaces what was chosen before
    if (!structured) return refuse(option, REP.ERR_INVALID, "contexts need structured replies");
    const served = find(name);
    if (!served) return refuse(option, REP.ERR_UNKNOWN, `there is no export '${name}'`);
    const contexts = chooseContexts(served, queries);
    chosen = { exportName: served.name, contexts };
    const send: Uint8Array[] = [];
    if (contexts.allocation) send.push(encodeContext(option, CONTEXT_ID.ALLOCATION, BASE_ALLOCATION));
    if (contexts.link === undefined || served.linkContext === undefined) {
      return { send: [...send, encodeOptionReply(option, REP.ACK)], next: GO_ON };
    }
    send.push(encodeContext(option, CONTEXT_ID.LINK, served.linkContext), encodeOptionReply(option, REP.ACK));
    return { fence: { exportName: served.name, key: contexts.link }, send, next: GO_ON };
  }

  function plain(number: number, said: PlainOption): NegotiationStep {
    if (said === "list") return list(number);
    if (said === "starttls") return secure(number);
    if (said === "structured-reply") return structure(number);
    return { send: [encodeOptionReply(number, REP.ACK)], next: { do: "leave" } };
  }

  function understood(number: number, said: ServerOption): NegotiationStep {
    if (said.type === "export-name") return exportName(said);
    if (tls === "required" && number !== OPT.STARTTLS && number !== OPT.ABORT) {
      return refuse(number, REP.ERR_TLS_REQD, "say STARTTLS first: this server answers nothing in clear text");
    }
    if (said.type === "bad") return refuse(number, said.reply, said.why);
    if (said.type === "plain") return plain(number, said.option);
    if (said.type === "information") return info(number, said);
    return said.choose ? choose(number, said) : listed(number, said);
  }

  return {
    answer(frame: HandshakeFrame): NegotiationStep {
      if (frame.type === "flags") return flags(frame.flags);
      options += 1;
      if (options > MOST_OPTIONS) return hangUp(`it asked for more than ${MOST_OPTIONS} options`);
      if (frame.type === "option") return understood(frame.option, parseOption(frame.option, frame.data));
      if (frame.option === OPT.EXPORT_NAME) return hangUp("the name of its export is too long");
      const why = `${frame.length} bytes of data are too many`;
      return understood(frame.option, { type: "bad", reply: REP.ERR_TOO_BIG, why });
    },
    secured() {
      tls = "done";
    },
  };
}

function refuse(option: number, reply: number, why: string): NegotiationStep {
  return { send: [encodeOptionError(option, reply, why)], next: GO_ON };
}

/** Who only asks about an export can do without it. */
function unknown(option: number, { name, go }: { readonly name: string; readonly go: boolean }): NegotiationStep {
  const denied = `there is no export '${name}'`;
  return { ...refuse(option, REP.ERR_UNKNOWN, denied), ...(go ? { denied } : {}) };
}

function hangUp(why: string): NegotiationStep {
  return { send: [], next: { do: "hang-up", why } };
}

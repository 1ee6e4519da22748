import { MOST_STRING_BYTES, OPT, REP } from "./nbd-numbers.ts";

/** What a client asks for before it has an export, understood. */
export type ServerOption =
  | { readonly type: "export-name"; readonly exportName: string }
  | { readonly type: "plain"; readonly option: PlainOption }
  /** `wants`: the INFO types that were named. */
  | {
      readonly type: "information";
      readonly exportName: string;
      readonly wants: readonly number[];
      readonly go: boolean;
    }
  | {
      readonly type: "contexts";
      readonly exportName: string;
      readonly queries: readonly string[];
      readonly choose: boolean;
    }
  | { readonly type: "bad"; readonly reply: number; readonly why: string };

/** An option that is a word. */
export type PlainOption = "abort" | "list" | "starttls" | "structured-reply";

/** Queries of one option; each costs a comparison. */
const MOST_QUERIES = 1024;

const WITHOUT_DATA: ReadonlyMap<number, PlainOption> = new Map([
  [OPT.ABORT, "abort"],
  [OPT.LIST, "list"],
  [OPT.STARTTLS, "starttls"],
  [OPT.STRUCTURED_REPLY, "structured-reply"],
] as const);

/** Understands an option and its data. What cannot be understood is `bad`, and says with which error it is answered. */
export function parseOption(option: number, data: Uint8Array): ServerOption {
  const plain = WITHOUT_DATA.get(option);
  if (plain === "abort") return { type: "plain", option: plain }; // whoever leaves may say what they like
  if (plain !== undefined)
    return data.length === 0 ? { type: "plain", option: plain } : invalid("this option has no data");
  if (option === OPT.EXPORT_NAME) return { type: "export-name", exportName: decodeText(data) };
  if (option === OPT.INFO) return parseInfo(data, false);
  if (option === OPT.GO) return parseInfo(data, true);
  if (option === OPT.LIST_META_CONTEXT) return parseContexts(data, false);
  if (option === OPT.SET_META_CONTEXT) return parseContexts(data, true);
  return { type: "bad", reply: REP.ERR_UNSUP, why: `option ${option} is not supported` };
}

function parseInfo(data: Uint8Array, go: boolean): ServerOption {
  const fields = new Fields(data);
  const exportName = fields.text();
  if (exportName === undefined) return invalid("the export's name does not fit its data");
  if (exportName === "too long") return tooBig();
  const count = fields.number(2) ?? -1;
  if (fields.left !== count * 2) return invalid("the number of items asked for does not fit the data");
  const wants = Array.from({ length: count }, () => fields.number(2) ?? 0);
  return { type: "information", exportName: exportName.text, wants, go };
}

function parseContexts(data: Uint8Array, choose: boolean): ServerOption {
  const fields = new Fields(data);
  const exportName = fields.text();
  if (exportName === undefined) return invalid("the export's name does not fit its data");
  if (exportName === "too long") return tooBig();
  const count = fields.number(4);
  if (count === undefined) return invalid("the number of queries is missing");
  if (count > MOST_QUERIES) return { type: "bad", reply: REP.ERR_TOO_BIG, why: `more than ${MOST_QUERIES} queries` };
  const queries: string[] = [];
  while (queries.length < count) {
    const query = fields.text();
    if (query === undefined) return invalid("the queries do not fit their data");
    if (query === "too long") return tooBig();
    queries.push(query.text);
  }
  if (fields.left > 0) return invalid("there is more data than queries");
  return { type: "contexts", exportName: exportName.text, queries, choose };
}

/** Reads data from its front. A field that is not there is undefined. */
class Fields {
  readonly #data: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.length);
  }

  get left(): number {
    return this.#data.length - this.#at;
  }

  number(bytes: 2 | 4): number | undefined {
    if (this.left < bytes) return undefined;
    const value = bytes === 2 ? this.#view.getUint16(this.#at) : this.#view.getUint32(this.#at);
    this.#at += bytes;
    return value;
  }

  /** A length and so many bytes of text. */
  text(): { readonly text: string } | "too long" | undefined {
    const length = this.number(4);
    if (length === undefined || length > this.left) return undefined;
    if (length > MOST_STRING_BYTES) return "too long";
    const text = decodeText(this.#data.subarray(this.#at, this.#at + length));
    this.#at += length;
    return { text };
  }
}

function decodeText(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

function invalid(why: string): ServerOption {
  return { type: "bad", reply: REP.ERR_INVALID, why };
}

function tooBig(): ServerOption {
  return { type: "bad", reply: REP.ERR_TOO_BIG, why: `a name or query is longer than ${MOST_STRING_BYTES} bytes` };
}

/// <reference types="vite/types/importMeta.d.ts" />
import type { SessionMessage } from "@blkmig/protocol";

/** Bytes written out, or one short row of them repeated; or a text, as UTF-8. Spaces in `hex` only part the fields. */
export interface VectorBytes {
  hex?: string;
  repeat?: number;
  text?: string;
}

export interface VectorFrame {
  type: string;
  position: number;
  device?: string;
  offset?: number;
  data?: VectorBytes;
  percent?: number;
  value?: number;
  disk?: number;
  length?: number;
  /** In hex, or "zero". */
  digest?: string;
  equal?: boolean;
  written?: number;
  durable?: number;
  message?: SessionMessage;
}

/** A golden vector: what stands in one file of `vectors/`. */
export interface Vector {
  name: string;
  description: string;
  stream: "classic" | "return-path" | "session";
  /** "1.1" unless it stands there. */
  generation?: "1.0" | "1.1";
  /** Of a session: whether the preface has been taken from the wire, and positions begin behind it. */
  magic?: "taken";
  /** Of a session: what was agreed on data; "present" unless it stands there. */
  dataChecksums?: "absent";
  /** True where our encoder refuses, or has no function, to write it. */
  decodeOnly?: boolean;
  bytes: VectorBytes[];
  frames: VectorFrame[];
  error?: { code: string; position: number };
}

/** All vectors by the name of their file. A glob, so that no vector is forgotten, and one that Node and browsers share. */
export const vectors: ReadonlyMap<string, Vector> = new Map(
  Object.entries(import.meta.glob<Vector>("../vectors/*.json", { eager: true, import: "default" })).map(
    ([path, vector]) => [path.slice(path.lastIndexOf("/") + 1, -".json".length), vector],
  ),
);

/** The text of docs/wire-format.md. */
export const wireFormat: string = Object.values(
  import.meta.glob<string>("../../../docs/wire-format.md", { eager: true, import: "default", query: "?raw" }),
).join("");

/** The bytes that a vector writes out. */
export function vectorBytes(pieces: readonly VectorBytes[]): Uint8Array {
  const parts = pieces.map(({ hex = "", repeat = 1, text }) =>
    text === undefined ? repeated(fromHex(hex), repeat) : new TextEncoder().encode(text),
  );
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** What hex digits say; spaces among them are passed over. */
export function fromHex(hex: string): Uint8Array {
  const digits = hex.replaceAll(" ", "");
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

function repeated(row: Uint8Array, times: number): Uint8Array {
  if (row.length === 1) return new Uint8Array(times).fill(row[0] ?? 0);
  const bytes = new Uint8Array(row.length * times);
  for (let at = 0; at < bytes.length; at += row.length) bytes.set(row, at);
  return bytes;
}

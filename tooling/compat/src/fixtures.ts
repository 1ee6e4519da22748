import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";

import type { Piece, Transcript } from "./transcript.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);

/** Who wrote a folder of fixtures. */
export interface Manifest {
  /** The session's version, and which revision of it: additions that are no new version count it up. */
  readonly session: string;
  /** The version of blkmig, and the commit it was built from. */
  readonly writtenBy: string;
  readonly transcripts: readonly string[];
}

/** The folders there are, one for each revision of the session that was released. */
export const revisions = (): string[] => readdirSync(FIXTURES).toSorted();

export const manifestOf = (revision: string): Manifest =>
  JSON.parse(readFileSync(new URL(`${revision}/manifest.json`, FIXTURES), "utf8"));

/** A fixture as it lies there. */
export const fixtureBytes = (revision: string, name: string): Uint8Array =>
  readFileSync(new URL(`${revision}/${name}.json.gz`, FIXTURES));

export const readTranscript = (revision: string, name: string): Transcript =>
  JSON.parse(gunzipSync(fixtureBytes(revision, name)).toString(), revive);

/** Writes a new folder. One that is there stays as it is: what was released once was released like that. */
export function writeFixtures(manifest: Omit<Manifest, "transcripts">, all: ReadonlyMap<string, Transcript>): void {
  const folder = new URL(`session-${manifest.session}/`, FIXTURES);
  if (existsSync(folder)) throw new Error(`${folder.pathname} is there already, and is never written again`);
  mkdirSync(folder, { recursive: true });
  for (const [name, transcript] of all) {
    const text = JSON.stringify(transcript, (key, value) => (key === "bytes" ? base64Of(value) : value));
    writeFileSync(new URL(`${name}.json.gz`, folder), gzipSync(text, { level: 9 }));
  }
  const text = JSON.stringify({ ...manifest, transcripts: [...all.keys()] }, null, 2);
  writeFileSync(new URL("manifest.json", folder), `${text}\n`);
}

/** A `Buffer` comes as what its own `toJSON()` made of it. */
const base64Of = (bytes: { readonly data: number[] }): string => Buffer.from(bytes.data).toString("base64");

const revive = (key: string, value: unknown): unknown =>
  key === "bytes" ? (new Uint8Array(Buffer.from(String(value), "base64")) satisfies Piece["bytes"]) : value;

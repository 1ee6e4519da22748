import { describe, expect, test } from "vitest";

import { decodeRecord, encodeRecord } from "./record-text.ts";
import type { SourceRecord, TargetRecord } from "./record.ts";

const PATH = "/disks/vda.blkmig";
const at = "2026-01-02T03:04:05.006Z";

const target: TargetRecord = {
  role: "target",
  migration: "0f1e2d3c",
  disk: "vda",
  size: 1048576,
  state: "sealed",
  attempt: 2,
  held: [
    [0, 65536],
    [131072, 4096],
  ],
  decides: ["/disks/vdb.blkmig"],
  clone: true,
  from: "tcp://there:4711",
  at,
};
const source: SourceRecord = {
  role: "source",
  migration: "0f1e2d3c",
  disk: "vdb",
  size: 512,
  state: "asked",
  attempt: 1,
  decidedBy: PATH,
  at,
};

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const jsonOf = (record: TargetRecord | SourceRecord): object =>
  JSON.parse(new TextDecoder().decode(encodeRecord(record))) as object;

describe("a record's text", () => {
  test.each([target, source])("of a $role is read as it was written", (record) => {
    expect(decodeRecord(PATH, encodeRecord(record))).toEqual(record);
  });

  test("is JSON that says its format first", () => {
    expect(new TextDecoder().decode(encodeRecord(source))).toMatch(/^\{"blkmig-record":1,.*\}\n$/);
  });

  test("may say more than is known here", () => {
    expect(decodeRecord(PATH, bytesOf({ ...jsonOf(target), digest: "abc", more: { than: 1 } }))).toEqual(target);
  });

  test("of a later format is refused with a sentence", () => {
    const refusal = {
      code: "newer",
      path: PATH,
      message: `${PATH}: written by a later blkmig (format 2, known here is 1): use that version`,
    };
    expect(() => decodeRecord(PATH, bytesOf({ "blkmig-record": 2, all: "else" }))).toThrow(
      expect.objectContaining(refusal) as Error,
    );
  });

  test("that is cut anywhere is damaged", () => {
    const whole = encodeRecord(target);
    for (let length = 0; length < whole.length - 1; length += 1) {
      expect(() => decodeRecord(PATH, whole.subarray(0, length))).toThrow(
        expect.objectContaining({ code: "damaged" }) as Error,
      );
    }
  });

  test.each([
    ["is no JSON", new Uint8Array([0xff, 0x7b, 0x7d])],
    ["is no object", bytesOf([1])],
    ["is nothing", bytesOf(null)],
    ["names no format", bytesOf({ ...target })],
    ["has a format that is no number", bytesOf({ ...jsonOf(target), "blkmig-record": "2" })],
    ["has an unknown role", bytesOf({ ...jsonOf(target), role: "both" })],
    ["has an unknown state", bytesOf({ ...jsonOf(target), state: "done" })],
    ["has a source's state in a target", bytesOf({ ...jsonOf(target), state: "moved" })],
    ["has no migration", bytesOf({ ...jsonOf(target), migration: "" })],
    ["has a size below nothing", bytesOf({ ...jsonOf(target), size: -1 })],
    ["has an attempt in parts", bytesOf({ ...jsonOf(target), attempt: 1.5 })],
    ["holds what is beyond the disk", bytesOf({ ...jsonOf(target), held: [[1048576, 1]] })],
    ["holds half a run", bytesOf({ ...jsonOf(target), held: [[0]] })],
  ])("that %s is damaged", (_, bytes) => {
    expect(() => decodeRecord(PATH, bytes)).toThrow(expect.objectContaining({ code: "damaged", path: PATH }) as Error);
  });
});

import { expect, test } from "vitest";

import { contextData, garbageDisk, type HandClient, infoData, serverUnderTest, textOf } from "./nbd-server.test-kit.ts";

const EXPORT_NAME = 1;
const ABORT = 2;
const LIST = 3;
const INFO = 6;
const GO = 7;
const STRUCTURED = 8;
const LIST_CONTEXTS = 9;
const SET_CONTEXTS = 10;
const ACK = 1;
const [UNSUP, INVALID, UNKNOWN, TOO_BIG] = [0x80000001, 0x80000003, 0x80000006, 0x80000009];
const ALL_FLAGS = 0b1101_0110_1101; // without READ_ONLY, ROTATIONAL, DF and RESIZE

function joined(readOnly = false): HandClient {
  const link = { run: "boot 1", disk: "a:b" };
  return serverUnderTest([{ name: "disk", description: "of ours", device: garbageDisk(), readOnly, link }]).join();
}

test("an export is found by its name, and the only one by none", async () => {
  expect(await joined().go("disk", { structured: false })).toEqual({ size: 1024 * 1024, flags: ALL_FLAGS });
  expect(await joined().go("")).toEqual({ size: 1024 * 1024, flags: ALL_FLAGS | 0x80 });
  expect((await joined(true).go("")).flags).toBe((0b0101_1000_1111 & ~0b1_0000_0000) | 0x100 | 0x80);
});

test("GO tells what was asked for, and always the block sizes", async () => {
  const client = joined();
  await client.greet();
  const answers = await client.ask(GO, infoData("disk", [1, 2]));
  expect(answers.map(({ data }) => (data.byteLength > 0 ? data.getUint16(0) : "end"))).toEqual([0, 1, 2, 3, "end"]);
  expect([textOf(answers[1]!.data, 2), textOf(answers[2]!.data, 2)]).toEqual(["disk", "of ours"]);
  const sizes = answers[3]!.data;
  expect([2, 6, 10].map((at) => sizes.getUint32(at))).toEqual([1, 4096, 32 * 1024 * 1024]);
});

test("INFO tells, and the choice is still open", async () => {
  const client = joined();
  await client.greet();
  expect((await client.ask(INFO, infoData("nobody", []))).at(-1)!.reply).toBe(UNKNOWN);
  expect((await client.ask(INFO, infoData("disk", []))).at(-1)!.reply).toBe(ACK);
  expect((await client.ask(GO, infoData("disk", []))).at(-1)!.reply).toBe(ACK);
});

test("EXPORT_NAME is answered with zeroes unless the client said otherwise, and hung up on for what is not there", async () => {
  for (const [flags, bytes] of [
    [1, 134],
    [3, 10],
  ] as const) {
    const client = joined();
    await client.greet(flags);
    await client.say(EXPORT_NAME, new TextEncoder().encode("disk"));
    expect(Number((await client.read(bytes)).getBigUint64(0))).toBe(1024 * 1024);
    await client.request(3, 1n);
    expect((await client.reply()).cookie).toBe(1n);
  }
  const lost = joined();
  await lost.greet();
  await lost.say(EXPORT_NAME, new TextEncoder().encode("nobody"));
  await expect(lost.read(1)).rejects.toThrow("went away");
});

test("LIST names all exports, and after ABORT the server says goodbye", async () => {
  const { join, events } = serverUnderTest([
    { name: "a", device: garbageDisk() },
    { name: "b", description: "second", device: garbageDisk() },
  ]);
  const client = join();
  await client.greet();
  const answers = await client.ask(LIST);
  expect(answers.map(({ data }) => (data.byteLength > 0 ? textOf(data, 4) : ""))).toEqual(["a", "bsecond", ""]);
  expect((await client.ask(INFO, infoData("", []))).at(-1)!.reply).toBe(UNKNOWN); // there are two
  expect((await client.ask(ABORT)).at(-1)!.reply).toBe(ACK);
  expect(await client.connection.read(new Uint8Array(1))).toBe(0);
  await client.connection.finish();
  await expect.poll(() => events).toMatchObject([{ type: "visited" }]);
  const other = join();
  await other.greet();
  await other.ask(GO, infoData("nobody", []));
  await other.ask(ABORT);
  await other.connection.finish();
  await expect.poll(() => events).toMatchObject([{ type: "visited" }, { why: "there is no export 'nobody'" }]);
});

test("what is unknown, malformed or too big is answered, and the conversation goes on", async () => {
  const client = joined();
  await client.greet();
  const refusals: readonly (readonly [number, Uint8Array, number])[] = [
    [4, new Uint8Array(0), UNSUP],
    [11, new Uint8Array(0), UNSUP],
    [LIST, new Uint8Array(1), INVALID],
    [STRUCTURED, new Uint8Array(1), INVALID],
    [GO, new Uint8Array(3), INVALID],
    [GO, infoData("disk", [0]).subarray(0, -1), INVALID],
    [GO, infoData("x".repeat(4097), []), TOO_BIG],
    [GO, new Uint8Array(65_537), TOO_BIG],
    [SET_CONTEXTS, contextData("disk", ["base:allocation"]), INVALID], // structured replies were not agreed on
    [LIST_CONTEXTS, contextData("disk", ["a"]).subarray(0, -1), INVALID],
    [LIST_CONTEXTS, contextData("nobody", []), UNKNOWN],
  ];
  for (const [option, data, reply] of refusals) {
    const answers = await client.ask(option, data);
    expect([option, answers.map((each) => each.reply)]).toEqual([option, [reply]]);
  }
  expect((await client.ask(GO, infoData("disk", []))).at(-1)!.reply).toBe(ACK);
});

test("whoever says what nobody offered, asks for ever, or says nothing is hung up on", async () => {
  const strange = joined();
  await strange.greet(4);
  await expect(strange.read(1)).rejects.toThrow("went away");
  const tireless = joined();
  await tireless.greet();
  const asking = async (): Promise<void> => {
    for (let options = 0; options <= 256; options++) await tireless.ask(LIST);
  };
  await expect(asking()).rejects.toThrow(/went away|destroyed/u);
  const { join, events } = serverUnderTest([], { limits: { handshakeMs: 1 } });
  const silent = join();
  await expect(silent.read(19)).rejects.toThrow("went away");
  await expect
    .poll(() => events)
    .toMatchObject([{ type: "refused", why: "it took longer than 1 ms to choose an export" }]);
});

test("contexts are listed by namespace, and chosen by their exact names", async () => {
  const client = joined();
  await client.greet();
  await client.ask(STRUCTURED);
  const names = async (option: number, queries: readonly string[]) => {
    const answers = await client.ask(option, contextData("disk", queries));
    return answers.slice(0, -1).map(({ data }) => `${data.getUint32(0)} ${textOf(data, 4)}`);
  };
  const link = "blkmig:link:boot%201:a%3Ab";
  expect(await names(LIST_CONTEXTS, [])).toEqual(["0 base:allocation", `0 ${link}`]);
  expect(await names(LIST_CONTEXTS, ["blkmig:"])).toEqual([`0 ${link}`]);
  expect(await names(LIST_CONTEXTS, ["base:", "qemu:"])).toEqual(["0 base:allocation"]);
  expect(await names(SET_CONTEXTS, ["base:", "qemu:allocation-depth"])).toEqual([]);
  expect(await names(SET_CONTEXTS, ["base:allocation", "blkmig:link:k"])).toEqual(["1 base:allocation", `2 ${link}`]);
});

import { writeFileSync } from "node:fs";

import {
  encodeConfiguration,
  encodeEnvelopeHeader,
  encodeEof,
  encodeEos,
  encodeFooter,
  encodeOpenReturnPath,
  encodePing,
  encodeProgress,
  encodeSectionEnd,
  encodeSectionStart,
} from "@blkmig/protocol";
import { captures, rawCapture } from "@blkmig/testkit";
import { expect, it } from "vitest";

import { notInSchema } from "../event-schema.test-kit.ts";
import { refusal, refused, runBlkmig, temporaryFolder } from "../run-blkmig.test-kit.ts";

it("QEMU's envelope is shown with machine, sections, pages and devices", async () => {
  const path = temporaryFolder();
  writeFileSync(path("stream"), rawCapture("pc-2disk-zeroblocks"));
  const { code, stdout, stderr } = await runBlkmig(["inspect", path("stream")]);
  expect(code).toBe(0);
  expect(stderr).not.toMatch(/^blkmig: /m);
  const lines = stdout.split("\n").map((line) => line.trimStart().replaceAll(/ +/g, " "));
  expect(lines).toHaveLength(33);
  expect(lines).toEqual(
    expect.arrayContaining([
      "0 header QEMU's envelope, version 3",
      "8 machine 'pc-i440fx-7.2'",
      "26 section start 1 'block' instance 0 version 1",
      "239072 pages 'ram' 4177 zero, 49 plain, 0 xbzrle, 0 compressed",
      "239082 block 'drive0' 0",
      "4433463 zero 'virtio1' 1048576",
      "4433492 section part, empty: 1 'ram'",
      "4433554 opaque 203086 bytes of the machine",
      expect.stringMatching(/^4537664 devices 'timer' 0, .*'dma' 0, 'dma' 1, .*'globalstate' 0$/),
      "the block section has ended",
    ]),
  );
});

it("QEMU's envelope is counted", async () => {
  const path = temporaryFolder();
  writeFileSync(path("stream"), rawCapture("pc-2disk-zeroblocks"));
  const { code, events } = await runBlkmig(["inspect", path("stream"), "--summary", "--json"]);
  expect(code).toBe(0);
  expect(events.map(({ event }) => event)).toEqual(["summary", "completed"]);
  expect(events[0]).toMatchObject({
    transferred: 4636640,
    ended: true,
    percent: 100,
    disks: [
      { name: "drive0", blocks: 2, "zero-blocks": 1 },
      { name: "virtio1", blocks: 2, "zero-blocks": 1 },
    ],
    envelope: {
      machine: "pc-i440fx-7.2",
      commands: { "open-return-path": 0, ping: 0 },
      sections: expect.arrayContaining([
        { name: "block", kind: "start", count: 1 },
        { name: "ram", kind: "part", count: 2 },
        { name: "block", kind: "end", count: 1 },
      ]),
      pages: { zero: 4177, plain: 49, xbzrle: 0, compressed: 0 },
      "opaque-bytes": 203086,
      devices: expect.arrayContaining([
        { name: "dma", instance: 1 },
        { name: "0000:00:02.0/virtio-blk", instance: 0 },
      ]),
    },
  });
  expect((await runBlkmig(["inspect", path("stream"), "--summary"])).stdout).toMatch(/^section 'ram' part: 2$/m);
});

it.each(captures)("the blocks of $name are all counted, and empty sections do not flood", async ({ name, blocks }) => {
  const path = temporaryFolder();
  writeFileSync(path("stream"), rawCapture(name));
  const shown = await runBlkmig(["inspect", path("stream"), "--json"]);
  const { code, events } = shown;
  expect(code).toBe(0);
  expect(notInSchema(shown)).toEqual([]);
  expect(events.length).toBeLessThan(120);
  const counted = events.filter(({ type }) => type === "block" || type === "zero");
  expect(counted.reduce((sum, frame) => sum + Number(frame["blocks"] ?? 1), 0)).toBe(blocks);
  expect(events.find(({ type }) => type === "devices")).toMatchObject({
    devices: expect.arrayContaining([{ name: "globalstate", instance: 0 }]),
  });
});

it("commands in an envelope are shown and counted", async () => {
  const path = temporaryFolder();
  const machine = [encodeEnvelopeHeader(), encodeConfiguration("none")].flat();
  const commands = [encodeOpenReturnPath(), encodePing(7), encodePing(8)].flat();
  const start = [encodeSectionStart({ id: 1, name: "block", instance: 0, version: 1 }), encodeEos(), encodeFooter(1)];
  const end = [encodeSectionEnd(1), encodeProgress(100), encodeEos(), encodeFooter(1), encodeEof()].flat();
  const segments = [machine, commands, start.flat(), end];
  writeFileSync(path("stream"), Buffer.concat(segments.flat()));
  const shown = await runBlkmig(["inspect", path("stream")]);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toMatch(/ command +open-return-path\n.* command +ping 7\n.* command +ping 8\n/);
  expect(shown.stdout).toMatch(/ devices +unknown: /);
  const counted = await runBlkmig(["inspect", path("stream"), "--summary", "--json"]);
  const framed = await runBlkmig(["inspect", path("stream"), "--json"]);
  expect([counted, framed].flatMap(notInSchema)).toEqual([]);
  expect(counted.events[0]).toMatchObject({ envelope: { commands: { "open-return-path": 1, ping: 2 } }, ended: true });
});

it("an envelope that breaks off or is damaged is shown as far as it goes", async () => {
  const path = temporaryFolder();
  const whole = rawCapture("pc-2disk-zeroblocks");
  const inspectBytes = async (bytes: Uint8Array) => {
    writeFileSync(path("x"), bytes);
    return runBlkmig(["inspect", path("x")]);
  };
  const inRam = await inspectBytes(whole.subarray(0, 100_000));
  expect(inRam.stdout).toMatch(/ 286 {2}section +part 2 'ram' instance 0 version 4\n$/);
  expect(refusal(inRam)).toEqual(refused(3, /ends inside section "ram" \(at byte 100000 of the stream\)/));
  const inBlock = await inspectBytes(whole.subarray(0, 500_000));
  expect(inBlock.stdout).toMatch(/ 239077 {2}section +part 1 'block' instance 0 version 1\n$/);
  expect(refusal(inBlock)).toEqual(refused(3, /ends inside a frame: .*\(at byte 239082 of the stream\)/));
  const inDevices = await inspectBytes(whole.subarray(0, 4_600_000));
  expect(inDevices.stdout).toMatch(/ opaque +166446 bytes of the machine\n$/);
  expect(refusal(inDevices)).toEqual(refused(3, /ends inside the devices' state \(at byte 4600000 of the stream\)/));
  const damaged = Uint8Array.from(whole);
  damaged[4_433_510] = 0x77;
  const torn = await inspectBytes(damaged);
  expect(torn.stdout).toMatch(/ 4433492 {2}section +part, empty: 1 'ram'\n$/);
  expect(refusal(torn)).toEqual(refused(3, /0x77.*\(at byte 4433510 of the stream\)/));
});

import { existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";

import { expect, it, onTestFinished } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { type Ended, refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";

it.each([
  [["send", "tcp://192.0.2.1:1", "--disk", "a=x"]],
  [["receive", "tcp://0.0.0.0:0", "--disk", "a=x"]],
  [["receive", "ws://[::]:0/", "--disk", "a=x"]],
])("%j is clear text that leaves this machine", async (args) => {
  expect(refusal(await runBlkmig(args))).toEqual(refused(3, /say --insecure/));
});

it("--insecure allows it", async () => {
  const target = makeGarbage(temporaryFolder()("target"), MIB);
  const receiver = startBlkmig(["receive", "tcp://0.0.0.0:0", "--insecure", "--json", "--disk", `a=${target}`]);
  expect(await receiver.url()).toMatch(/^tcp:\/\/0\.0\.0\.0:\d+$/);
});

it("disks that are missing, no disks, or of half a sector are refused on both sides", async () => {
  const path = temporaryFolder();
  writeFileSync(path("odd"), new Uint8Array(1000));
  mkdirSync(path("folder"));
  for (const command of ["send", "receive"]) {
    const run = (disk: string): Promise<Ended> => runBlkmig([command, AT, "--disk", `a=${disk}`]);
    expect(refusal(await run(path("missing")))).toEqual(refused(3, /disk 'a': .*(no such file|is missing)/i));
    expect(refusal(await run(path("folder")))).toEqual(refused(3, /neither a file nor a block device/));
    expect(refusal(await run("/dev/null"))).toEqual(refused(3, /neither a file nor a block device/));
    expect(refusal(await run(path("odd")))).toEqual(refused(3, /1000 bytes, which is no multiple of 512/));
  }
  const create = ["--create", "--size", "a=1000"];
  expect(refusal(await runBlkmig(["receive", AT, "--disk", `a=${path("new")}`, ...create]))).toEqual(
    refused(3, /no multiple of 512/),
  );
  const there = ["--create", "--size", "a=1M"];
  expect(refusal(await runBlkmig(["receive", AT, "--disk", `a=${path("no/new")}`, ...there]))).toEqual(
    refused(3, /cannot be made/),
  );
});

it("a receiver that nobody listens at, and an address that is taken", async () => {
  const path = temporaryFolder();
  const disk = makeDisk(path("disk"), MIB);
  const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${makeGarbage(path("target"), MIB)}`]);
  const url = await receiver.url();
  const other = makeGarbage(path("other"), MIB);
  expect(refusal(await runBlkmig(["receive", url, "--disk", `a=${other}`]))).toEqual(refused(3, /is in use/));
  receiver.process.kill("SIGINT");
  await receiver.ended;
  expect(refusal(await runBlkmig(["send", url, "--disk", `a=${disk}`]))).toEqual(
    refused(3, /cannot connect: .*ECONNREFUSED/),
  );
  expect(refusal(await runBlkmig(["send", `unix://${path("no")}`, "--disk", `a=${disk}`]))).toEqual(
    refused(3, /cannot connect/),
  );
  expect(refusal(await runBlkmig(["receive", `file://${path("no")}`, "--disk", `a=${other}`]))).toEqual(
    refused(3, /ENOENT/),
  );
});

it("strangers at the socket are dropped, and the receiver goes on listening", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), 3 * MIB);
  const target = makeGarbage(path("target"), 3 * MIB);
  const patience = ["--recognise-within", "2s"];
  const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${target}`, ...patience]);
  const url = new URL(await receiver.url());
  const say = (bytes: string): void => {
    const socket = connect(Number(url.port), url.hostname, () => bytes !== "" && socket.write(bytes, "latin1"));
    socket.on("error", () => {});
    onTestFinished(() => void socket.destroy());
  };
  const dropped = (why: string) =>
    receiver.until(({ event, message }) => event === "warning" && String(message).includes(why));
  say("GET / HTTP/1.1\r\n\r\n");
  await dropped("'GET / HT'");
  say("");
  await dropped("said nothing");
  expect((await runBlkmig(["send", url.href, "--disk", `a=${source}`])).code).toBe(0);
  expect((await receiver.ended).code).toBe(0);
  expect(sameFiles(source, target)).toBe(true);
});

it("whoever is dialled must have a stream", async () => {
  const server = createServer((socket) => socket.on("error", () => {}).end("220 mail.example ESMTP"));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const url = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const target = makeGarbage(temporaryFolder()("target"), MIB);
  const ended = await runBlkmig(["receive", url, "--connect", "--disk", `a=${target}`]);
  expect(refusal(ended)).toEqual(refused(3, /^blkmig: tcp:.* it begins with '220 mail'/));
});

it("a file or standard input that is no stream is refused, and nothing is written", async () => {
  const path = temporaryFolder();
  const target = makeGarbage(path("target"), MIB);
  const receive = async (bytes: string | Uint8Array): Promise<Ended> => {
    writeFileSync(path("stream"), bytes);
    return runBlkmig(["receive", `file://${path("stream")}`, "--disk", `a=${target}`]);
  };
  expect(refusal(await receive("no stream at all"))).toEqual(
    refused(3, /neither a classic block stream nor QEMU's: it begins with 'no strea'/),
  );
  expect(refusal(await receive("QEVM\0\0\0\u0003"))).toEqual(refused(3, /the stream ended before its disks did/));
  expect(refusal(await receive(""))).toEqual(refused(3, /the stream is empty/));
  expect(refusal(await receive("1234"))).toEqual(refused(3, /ends after 4 of the 8 bytes/));
  expect(refusal(await runBlkmig(["receive", "-", "--disk", `a=${target}`]))).toEqual(
    refused(3, /stdio:: the stream is empty/),
  );
  expect(readFileSync(target).every((byte) => byte === 0xee)).toBe(true);
});

it("a stream cut anywhere is incomplete", async () => {
  const path = temporaryFolder();
  const stream = path("stream");
  await runBlkmig(["send", `file://${stream}`, "--disk", `a=${makeDisk(path("source"), 3 * MIB)}`]);
  const target = makeGarbage(path("target"), 3 * MIB);
  for (const cut of [8, 9, MIB, 8]) {
    truncateSync(stream, statSync(stream).size - cut);
    const receive = ["receive", `file://${stream}`, "--json", "--disk", `a=${target}`];
    const ended = await runBlkmig([...receive, "--force", "incomplete"]);
    expect(refusal(ended)).toEqual(refused(1, /the stream end.* \(the targets are not complete\)/));
    expect(ended.events.at(-1)).toMatchObject({ event: "failed", code: "incomplete" });
  }
  const again = await runBlkmig(["receive", `file://${stream}`, "--disk", `a=${target}`]);
  expect(refusal(again)).toEqual(
    refused(3, /unfinished target of migration classic-.*: --force incomplete overwrites/),
  );
});

it("a wrong name and a target too small are refused on both sides, and a target that was made goes again", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), 3 * MIB);
  const create = ["--create", "--size", "b=3M"];
  const receiver = startBlkmig(["receive", AT, "--json", "--disk", `b=${path("new")}`, ...create]);
  const url = await receiver.url();
  expect(existsSync(path("new"))).toBe(true);
  expect(refusal(await runBlkmig(["send", url, "--wire", "1.1", "--disk", `a=${source}`]))).toEqual(
    refused(1, /the receiver (refused|has read it all and said no)/),
  );
  const ended = await receiver.ended;
  expect(refusal(ended)).toEqual(refused(3, /the stream has a disk 'a', expected here: 'b'/));
  expect(ended.events.at(-1)).toMatchObject({ event: "failed", code: "unknown-device" });
  expect(existsSync(path("new"))).toBe(false);
});

it("a target too small ends in 3 or 1, by whether something was written", async () => {
  const path = temporaryFolder();
  const source = makeGarbage(path("source"), 8 * MIB);
  const small = makeGarbage(path("small"), 512);
  truncateSync(path("small"), 2 * MIB);
  const receiver = startBlkmig(["receive", AT, "--json", "--disk", `a=${small}`]);
  // Slowly: of reads side by side, and of a hole beside a read, the one behind the target's end may come before any that fits.
  const send = ["send", await receiver.url(), "--wire", "1.1", "--disk", `a=${source}`, "--max-bandwidth", "2M"];
  expect(refusal(await runBlkmig(send))).toEqual(refused(1, /the receiver (refused|has read it all and said no)/));
  expect(refusal(await receiver.ended)).toEqual(
    refused(1, /the target ends at 2097152: it is too small \(the targets are not complete\)/),
  );
});

it("EPIPE ends nothing: whoever reads the events may go", async () => {
  const path = temporaryFolder();
  const source = makeDisk(path("source"), 3 * MIB);
  const sender = startBlkmig(["send", `file://${path("stream")}`, "--json", "--disk", `a=${source}`]);
  sender.process.stdout!.destroy();
  expect((await sender.ended).code).toBe(0);
});

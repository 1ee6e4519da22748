import { readFileSync } from "node:fs";
import { createConnection } from "node:net";

import { expect, it } from "vitest";

import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { readExposition, type Samples } from "./metrics/read-exposition.test-kit.ts";
import { refusal, refused, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { startServing } from "./serving.test-kit.ts";

const SIZE = 8 * MIB;

const manual = readFileSync(new URL("../../../docs/operating.md", import.meta.url), "utf8");

async function scrape(url: string): Promise<Samples> {
  const response = await fetch(url);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return readExposition(await response.text());
}

it("a running serve is scraped before, in and after a migration", async () => {
  const path = temporaryFolder();
  const [from, to] = [makeDisk(path("from"), SIZE), makeGarbage(path("to"), SIZE)];
  const more = ["--metrics", "http://127.0.0.1:0/metrics"];
  const { running, dial, control } = await startServing({ disks: { a: from }, more });
  const url = String((await running.until(({ event }) => event === "metrics"))["url"]);
  const client = await dial("a");
  await client.read(0, new Uint8Array(4096));

  const before = await scrape(url);
  expect(before.get('blkmig_disk_state{disk="a",state="local"}')).toBe(1);
  expect(before.get('blkmig_nbd_bytes_total{op="read"}')).toBe(4096);
  expect(before.get("blkmig_nbd_clients")).toBeGreaterThanOrEqual(1); // who looked whether it listens may not be forgotten yet
  expect(before.get("blkmig_transferred_bytes_total")).toBe(0);
  expect(before.get("process_resident_memory_bytes")).toBeGreaterThan(MIB);

  const receiver = startBlkmig(["receive", `unix://${path("at")}`, "--json", "--disk", `a=${to}`]);
  // So slow that it does not end by itself.
  const words = ["send", await receiver.url(), "--from", control, "--after", "hold", "--max-bandwidth", "64K"];
  const sender = startBlkmig([...words, "--json"]);
  await sender.until(({ event, phase }) => event === "status" && phase === "bulk");
  const during = await scrape(url);
  expect(during.get("blkmig_migration_running")).toBe(1);
  expect(during.get('blkmig_phase{phase="bulk"}')).toBe(1);
  expect(during.get('blkmig_disk_remaining_bytes{disk="a"}')).toBeGreaterThan(0);
  await runBlkmig(["limits", "--control", control, "--max-bandwidth", "none"]);
  expect((await sender.ended).code).toBe(0);
  await receiver.ended;

  const after = await scrape(url);
  expect(after.get('blkmig_migrations_total{result="completed"}')).toBe(1);
  expect(after.get("blkmig_transferred_bytes_total")).toBeGreaterThan(SIZE / 2);
  expect(after.get("blkmig_remaining_bytes")).toBe(0);
  expect(after.get("blkmig_downtime_seconds")).toBeDefined();
  expect(after.get('blkmig_disk_state{disk="a",state="held"}')).toBe(1);
  const told = new Set([before, during, after].flatMap((samples) => [...samples.keys()].map(nameOf)));
  // The one that may not be known yet at any of these moments.
  expect(told.add("blkmig_expected_downtime_seconds")).toEqual(new Set(documentedNames()));
  expect(sameFiles(from, to)).toBe(true);
});

it("whoever asks for anything else is told so, in few words, and whoever says too much is hung up on", async () => {
  const path = temporaryFolder();
  const more = ["--metrics", "http://127.0.0.1:0/metrics"];
  const { running } = await startServing({ disks: { a: makeDisk(path("a"), MIB) }, more });
  const url = String((await running.until(({ event }) => event === "metrics"))["url"]);
  const ask = async (to: string, init: RequestInit = {}): Promise<readonly unknown[]> => {
    const response = await fetch(new URL(to, url), init);
    return [response.status, await response.text()];
  };
  expect(await ask("/healthz")).toEqual([200, "ok\n"]);
  expect(await ask("/metrics", { method: "HEAD" })).toEqual([200, ""]);
  expect(await ask("/")).toEqual([404, "metrics are at /metrics\n"]);
  expect(await ask("/metrics", { method: "DELETE" })).toEqual([405, "only GET and HEAD\n"]);
  expect(await ask("/metrics", { method: "POST", body: "x" })).toEqual([413, "nothing is taken here\n"]);
  expect((await ask("/metrics", { headers: { long: "x".repeat(10_000) } }))[0]).toBe(431);
  expect(await say(url, "\u0000\u0001 no HTTP\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
  expect((await scrape(url)).get("blkmig_migration_running")).toBe(0);
});

it("metrics may be at a unix socket, one that a dead process left too, and are gone with the program", async () => {
  const path = temporaryFolder();
  const disk = makeDisk(path("a"), MIB);
  const metrics = ["--metrics", `unix://${path("metrics")}`];
  const first = await startServing({ disks: { a: disk }, more: metrics });
  const words = ["serve", "--disk", `b=${makeDisk(path("b"), MIB)}`, "--nbd", "nbd://127.0.0.1:0", ...metrics];
  expect(refusal(await runBlkmig(words))).toEqual(refused(3, /--metrics: .*EADDRINUSE/));
  first.running.process.kill("SIGKILL");
  await first.running.ended;
  const next = await startServing({ disks: { a: disk }, more: metrics });
  next.running.process.kill("SIGTERM");
  expect((await next.running.ended).code).toBe(0);
});

/** The first column of the table in the manual. */
function documentedNames(): readonly string[] {
  const section = manual.slice(manual.indexOf("\n## Metrics\n"), manual.indexOf("\n## Events\n"));
  const cells = [...section.matchAll(/^\| (`.*?) +\| /gm)].map(([, cell]) => cell!);
  return cells.flatMap((cell) => cell.replaceAll("`", "").split(", "));
}

/** Of the metric: what is there of a histogram has a suffix more. */
function nameOf(key: string): string {
  return key.replace(/\{.*/, "").replace(/_(bucket|sum|count)$/, "");
}

/** What is answered to bytes, until it is hung up. */
function say(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = createConnection(Number(port), hostname, () => socket.write(text));
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => (answer += chunk));
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

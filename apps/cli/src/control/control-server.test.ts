import { statSync, existsSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { refusalOf } from "./control-errors.test-kit.ts";
import { listenControl } from "./control-server.ts";
import { type Line, openControlSocket, type RawClient } from "./control-socket.test-kit.ts";
import { STATISTICS } from "./fake-live-server.test-kit.ts";

const TO = "unix:///run/there";
const send = (id: number, more: Line = {}): Line => ({ id, do: "send", to: TO, ...more });

async function lastOf(client: RawClient, id: number): Promise<Line> {
  for (;;) {
    const line = await client.next();
    if (!line) throw new Error("hung up");
    if (line["id"] === id && !("event" in line)) return line;
  }
}

describe("the control socket", () => {
  it("is its owner's alone, is gone in the end, and one that is in use is refused", async () => {
    const { path, close } = await openControlSocket();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await expect(listenControl(path)).rejects.toMatchObject({ code: "listen" });
    await close();
    expect(existsSync(path)).toBe(false);
  });

  it("takes requests that come in any pieces, many in one, and answers each by its id", async () => {
    const { dial } = await openControlSocket();
    const client = await dial();
    const bytes = new TextEncoder().encode(`{"id":1,"do":"version"}\n{"id":"é"}\n{"id":2,"do":"version"}\n`);
    for (const byte of bytes) await client.write(Uint8Array.of(byte));
    await client.write(bytes);
    const answers = await Promise.all(Array.from({ length: 6 }, async () => client.next()));
    expect(answers.map((answer) => answer!["id"])).toEqual([1, null, 2, 1, null, 2]);
  });

  it.each([
    ["nothing of JSON", null, /a request is one JSON object on a line/],
    ["[1]", null, /one JSON object/],
    ["", null, /one JSON object/],
    ['{"do":"status"}', null, /"id" is missing/],
    ['{"id":-1,"do":"status"}', null, /"id"/],
    ['{"id":7}', 7, /"do": nothing is asked for; what can be is cancel, limits, resolve, send, status, version/],
    ['{"id":7,"do":"frob"}', 7, /"do": "frob" is asked for/],
    ['{"id":7,"do":"status","verbose":true}', 7, /"verbose" means nothing here/],
    ['{"id":7,"do":"send"}', 7, /"to" is missing/],
    ['{"id":7,"do":"send","to":"unix:///x","max-bandwidth":100}', 7, /"max-bandwidth": .*Expected string/],
    ['{"id":7,"do":"send","to":"unix:///x","max-bandwith":"1M"}', 7, /"max-bandwith" means nothing here/],
    ['{"id":7,"do":"send","to":"unix:///x","token-file":"t"}', 7, /'t' is read by the server/],
    ['{"id":7,"do":"resolve","migration":"m","verdict":"maybe"}', 7, /"verdict"/],
    ['{"id":7,"do":"limits"}', 7, /say --max-bandwidth, --downtime-limit, or both/],
    ['{"id":7,"do":"limits","max-bandwidth":"0"}', 7, /nothing would ever arrive/],
  ])("answers %s with what is wrong, and goes on", async (line, id, message) => {
    const { dial } = await openControlSocket();
    const client = await dial();
    await client.write(`${line}\n{"id":9,"do":"version"}\n`);
    expect(await client.next()).toEqual(refusalOf(id, "usage", 2, message));
    expect(await client.next()).toEqual({ id: 9, result: { version: "1.2.3", protocol: 1 } });
  });

  it("hangs up on a line that does not end, and says so", async () => {
    const { dial } = await openControlSocket();
    const client = await dial();
    await client.write("x".repeat(64 * 1024 + 1));
    expect(await client.next()).toEqual(refusalOf(null, "not-a-stream", 3, /a line has more than 65536 bytes/));
    expect(await client.next()).toBeUndefined();
  });

  it("answers whoever has finished asking, then hangs up; half a line is no request", async () => {
    const { dial } = await openControlSocket();
    const client = await dial();
    await client.write(`{"id":1,"do":"version"}\n{"id":2,"do":"version"}`);
    await client.finish();
    expect(await client.next()).toMatchObject({ id: 1 });
    expect(await client.next()).toBeUndefined();
  });

  it("has room for 64 clients, hangs up on more, and has room again when one leaves", async () => {
    const { dial } = await openControlSocket();
    const clients = await Promise.all(Array.from({ length: 64 }, dial));
    const ask = async (client: RawClient): Promise<Line | undefined> => {
      await client.ask({ id: 1, do: "version" }).catch(() => {});
      return client.next().catch(() => undefined);
    };
    for (const client of clients) expect(await ask(client)).toMatchObject({ id: 1 });
    expect(await ask(await dial())).toBeUndefined();
    await clients[0]!.finish();
    expect(await clients[0]!.next()).toBeUndefined();
    expect(await ask(await dial())).toMatchObject({ id: 1 });
  });

  it("hangs up on who asks nothing for a while, or is silent while 64 others come, and not on who has asked", async () => {
    const { dial, dropped } = await openControlSocket(200);
    const client = await dial();
    await client.ask({ id: 1, do: "version" });
    await client.next();
    const [first, ...others] = await Promise.all(Array.from({ length: 65 }, dial));
    await others.at(-1)!.write("{"); // half a line asks nothing
    for (const silent of [first!, ...others]) expect(await silent.next().catch(() => undefined)).toBeUndefined();
    expect(dropped).toHaveLength(65);
    expect(dropped[0]).toMatch(/when 64 others had come/);
    expect(dropped.at(-1)).toBe("it said nothing for 200 ms");
    await client.ask({ id: 2, do: "version" });
    expect(await client.next()).toMatchObject({ id: 2 });
  });
});

describe("a migration by the control socket", () => {
  it("is told to who asked for it, seen by others, and one at a time", async () => {
    const { dial, live, events, statuses } = await openControlSocket();
    const [asking, other] = [await dial(), await dial()];
    await asking.ask(send(1, { disk: ["vda"], "max-bandwidth": "100M", "downtime-limit": "50ms", verify: false }));
    const wanted = { disks: ["vda"], maxBandwidth: 100 * 2 ** 20, downtimeLimit: 50, after: "forward" };
    expect(await live.moving()).toMatchObject({ ...wanted, session: { verify: false, resume: false } });
    live.tell({ type: "warning", message: "careful" });
    live.tell({ type: "pass", pass: 1, statistics: STATISTICS });
    expect(await asking.next()).toEqual({ id: 1, event: "warning", message: "careful" });
    expect(await asking.next()).toMatchObject({ id: 1, event: "pass", pass: 1, remaining: STATISTICS.remaining });
    await other.ask(send(1), { id: 2, do: "status" }, { id: 3, do: "limits", "max-bandwidth": "none" });
    expect(await lastOf(other, 1)).toEqual(refusalOf(1, "refused", 3, /one at a time/));
    expect(await lastOf(other, 2)).toMatchObject({ result: { migration: { disks: ["vda"] } } });
    expect(await lastOf(other, 3)).toEqual({ id: 3, result: { "max-bandwidth": null } });
    expect(live.told).toEqual([{ maxBandwidth: null }]);
    live.complete();
    const completed = {
      after: "forward",
      downtime: 12,
      migration: "0f1e2d3c",
      proved: true,
      serve: "nbd://there:10809",
    };
    expect(await lastOf(asking, 1)).toMatchObject({ result: completed });
    expect(events).toEqual(["warning", "pass", "completed"]);
    expect(statuses).toEqual([`moving to ${TO}`, "serving nbd://127.0.0.1:10809"]);
  });

  it("goes on when who asked for it goes away, and another can cancel it", async () => {
    const { dial, live } = await openControlSocket();
    const asking = await dial();
    await asking.ask(send(1));
    await live.moving();
    asking.hangUp();
    const other = await dial();
    await other.ask({ id: 5, do: "status" });
    const status = await lastOf(other, 5);
    expect(status["result"]).toMatchObject({ migration: { id: "0f1e2d3c" } });
    live.tell({ type: "warning", message: "nobody hears it" });
    await other.ask({ id: 6, do: "cancel" });
    expect(await lastOf(other, 6)).toMatchObject({ result: { ended: "cancelled" } });
    await other.ask({ id: 7, do: "cancel" });
    expect(await lastOf(other, 7)).toEqual(refusalOf(7, "refused", 3, /no migration runs/));
  });

  it("whose outcome is not known is resolved at the socket, by the commands that are told", async () => {
    const { dial, live, path } = await openControlSocket();
    const client = await dial();
    await client.ask(send(1));
    await live.moving();
    live.leaveInDoubt();
    const commands = ["keep", "gone"].map((verdict) => `blkmig resolve --source ${path} --${verdict} 0f1e2d3c`);
    const doubt = { code: "in-doubt", "exit-code": 4, migration: "0f1e2d3c", resolve: commands };
    expect(await client.next()).toMatchObject({ id: 1, error: doubt });
  });

  it("drops statuses that a slow reader has not read, and nothing else", async () => {
    const { dial, live } = await openControlSocket();
    const client = await dial();
    await client.ask(send(1));
    await live.moving();
    const long = "x".repeat(64 * 1024);
    const phases = ["bulk", "dirty"] as const;
    for (let at = 0; at < 100; at++) {
      live.tell({ type: "warning", message: `${at} ${long}` });
      live.tell({ type: "status", statistics: { ...STATISTICS, phase: phases[at % 2]!, transferred: at } });
    }
    live.complete();
    const heard: Line[] = [];
    for (let line = await client.next(); line; line = await client.next()) {
      heard.push(line);
      if ("result" in line) break;
    }
    expect(heard.filter(({ event }) => event === "warning")).toHaveLength(100);
    expect(heard.filter(({ event }) => event === "status").length).toBeLessThan(3);
    expect(heard.at(-1)).toMatchObject({ id: 1, result: { migration: "0f1e2d3c" } });
  });

  it("whose outcome is not known when the server ends is resolved at the disks", async () => {
    const { dial, live, beginToEnd } = await openControlSocket();
    const client = await dial();
    await client.ask(send(1));
    await live.moving();
    beginToEnd();
    live.leaveInDoubt();
    expect(await client.next()).toMatchObject({ id: 1, error: { "exit-code": 4, resolve: ["by path"] } });
    await client.ask(send(2), { id: 3, do: "status" });
    expect(await client.next()).toEqual(refusalOf(2, "refused", 3, /the server is ending/));
    expect(await client.next()).toMatchObject({ id: 3, result: { migration: { ended: "in-doubt" } } });
  });

  it("is cancelled by a server that ends, whose clients have their answers first", async () => {
    const { dial, live, close } = await openControlSocket();
    const client = await dial();
    await client.ask(send(1));
    await live.moving();
    await close();
    expect(await client.next()).toMatchObject({ id: 1, error: { code: "cancelled", "exit-code": 130 } });
    expect(await client.next()).toBeUndefined();
  });

  it("has one request of an id at a time, and sixteen of a client", async () => {
    const { dial, live } = await openControlSocket();
    const client = await dial();
    await client.ask(send(1), { id: 1, do: "status" });
    expect(await client.next()).toEqual(refusalOf(1, "refused", 3, /request 1 is under way/));
    live.askForCommit();
    await client.ask(...Array.from({ length: 16 }, (_, at) => ({ id: at + 2, do: "cancel" })));
    expect(await client.next()).toEqual(refusalOf(17, "refused", 3, /16 requests are under way/));
    live.complete();
    for (let id = 2; id <= 16; id++) expect(await lastOf(client, id)).toEqual({ id, result: { ended: "completed" } });
  });
});

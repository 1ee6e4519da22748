import { once } from "node:events";
import { connect } from "node:net";

import { describe, expect, it } from "vitest";

import { qemu } from "./needs.ts";
import { startQemu } from "./qemu.ts";
import { startQmpRelay } from "./qmp-relay.ts";
import { speakQmp } from "./qmp.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const start = async () => {
  const path = temporaryFolder();
  const { monitor, qmp } = await startQemu({ path, machine: "none", paused: true });
  const relay = await startQmpRelay(monitor, path("relay"));
  const speak = async () => speakQmp(connect(new URL(relay.url).pathname));
  return { own: qmp, relay, speak };
};

describe.skipIf(qemu.missing)(`a relay before a monitor (${qemu.needs})`, () => {
  it("holds the command that was named until it is released, and what comes after it", async () => {
    const { own, relay, speak } = await start();
    const qmp = await speak();
    const held = relay.hold({ command: "cont", nth: 2 });
    await qmp.execute("cont");
    await qmp.execute("stop");
    const late = Promise.all([qmp.execute("cont"), qmp.execute("query-name")]);
    await held.came;
    expect(await own.execute("query-status")).toMatchObject({ running: false });
    held.release();
    await late;
    expect(await own.execute("query-status")).toMatchObject({ running: true });
    expect(relay.commands.entries).toEqual(["qmp_capabilities", "cont", "stop", "cont", "query-name"]);
  });

  it("a held command of who has gone is never given; a held answer tells of one that was", async () => {
    const { own, relay, speak } = await start();
    const held = relay.hold({ command: "cont" });
    const first = await speak();
    const lost = first.execute("cont").catch(String);
    await held.came;
    await first.close();
    expect(await lost).toContain("has closed");
    // It is greeted when the first has gone.
    const second = await speak();
    held.release();
    expect(await second.execute("query-status")).toMatchObject({ running: false });

    const answer = relay.hold({ command: "cont", nth: 2, what: "answer" });
    const unheard = second.execute("cont").catch(String);
    await answer.came;
    relay.cut();
    expect(await unheard).toContain("has closed");
    expect(await own.execute("query-status")).toMatchObject({ running: true });
  });

  it("lets nobody through when it is closed", async () => {
    const { own, relay, speak } = await start();
    const qmp = await speak();
    relay.close();
    await expect(qmp.execute("query-status")).rejects.toThrow("has closed");
    await expect(once(connect(new URL(relay.url).pathname), "connect")).rejects.toThrow(/ENOENT|ECONNREFUSED/);
    expect(await own.execute("query-status")).toMatchObject({ running: false });
  });
});

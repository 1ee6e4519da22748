import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { openControlSocket } from "./control-socket.test-kit.ts";
import { type FakeLiveServer, STATISTICS } from "./fake-live-server.test-kit.ts";

const DOCS = new URL("../../../../docs/control.md", import.meta.url);

const transcripts = readFileSync(DOCS, "utf8")
  .split("```transcript\n")
  .slice(1)
  .map((text) => text.slice(0, text.indexOf("\n```")).split("\n"));

/** All that is told of a migration, once; then it is completed, unless the transcript says otherwise. */
function run(live: FakeLiveServer): void {
  live.say("a sentence for people");
  live.tell({ type: "warning", message: "a warning" });
  live.tell({ type: "reconnect", why: "the wire broke", waitMs: 200, reconnects: 0 });
  live.tell({ type: "pass", pass: 1, statistics: STATISTICS });
  live.tell({ type: "status", statistics: STATISTICS });
  live.tell({ type: "converge", step: "throttle", bytesPerSecond: 1024 * 1024, statistics: STATISTICS });
  live.complete();
}

describe("docs/control.md", () => {
  it("has transcripts of all that can be asked for", () => {
    const asked = new Set(transcripts.flat().flatMap((line) => /^> .*"do":"(\w+)"/.exec(line)?.[1] ?? []));
    for (const what of ["cancel", "limits", "resolve", "send", "status", "version"]) expect(asked).toContain(what);
  });

  it.each(transcripts.map((lines) => [lines[0], lines] as const))("tells what happens: %s", async (_, lines) => {
    const { dial, live } = await openControlSocket();
    const client = await dial();
    for (const [at, line] of lines.entries()) {
      const text = line.slice(2);
      if (line.startsWith("> ")) await client.write(`${text}\n`);
      else expect(JSON.stringify(await client.next())).toBe(text);
      if (line.includes('"do":"send"') && lines[at + 1]?.startsWith("< ") && !lines[at + 1]?.includes("error")) {
        await live.moving();
        run(live);
      }
    }
  });
});

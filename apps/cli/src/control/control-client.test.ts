import { listenUnix } from "@blkmig/transport/tcp";
import { describe, expect, it, onTestFinished } from "vitest";

import { temporaryFolder } from "../run-blkmig.test-kit.ts";
import { askServer, openControl, ServerGone } from "./control-client.ts";
import { readLines } from "./read-lines.ts";

/** A server that answers each request with this, whatever it is. */
async function startServer(answer: (id: number) => string | undefined): Promise<string> {
  const path = temporaryFolder()("control");
  const listener = await listenUnix({ path, reading: "stream" });
  onTestFinished(async () => listener.close());
  const speak = async (): Promise<void> => {
    for (let next = await listener.accept(); next; next = await listener.accept()) {
      for await (const line of readLines(next, 4096)) {
        const said = answer((JSON.parse(line) as { readonly id: number }).id);
        if (said === undefined) break;
        await next.send([new TextEncoder().encode(said)]);
      }
      next.destroy();
    }
  };
  void speak().catch(() => {});
  return path;
}

describe("a client of the control socket", () => {
  it("has the events of its request, then the answer, and passes over what it does not know", async () => {
    const path = await startServer((id) =>
      [
        { id, event: "say", message: "one" },
        { id: 99, event: "say", message: "another's" },
        { id: 99, result: {} },
        { id, event: "later", odd: 1 },
        { id, result: { state: "kept" }, more: true },
      ]
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(""),
    );
    const client = await openControl(path);
    const events: unknown[] = [];
    const answer = await client.ask({ do: "x" }, (event, fields) => events.push([event, fields]));
    expect(answer).toEqual({ type: "result", result: { state: "kept" } });
    expect(events).toEqual([
      ["say", { message: "one" }],
      ["later", { odd: 1 }],
    ]);
    client.close();
  });

  it.each([
    [4, "in-doubt"],
    [130, "cancelled"],
    [3, "failed"],
  ] as const)("ends with the exit code %d as %s", async (exitCode, event) => {
    const error = { code: "c", "exit-code": exitCode, message: "m", migration: "id", resolve: ["one"] };
    const path = await startServer((id) => `${JSON.stringify({ id, error })}\n`);
    const ending = { exitCode, event, code: "c", message: "m", migration: "id", commands: ["one"] };
    expect(await askServer(path, { do: "x" })).toEqual({ type: "error", ending });
  });

  it.each([
    ["hangs up", () => undefined, /it hung up/],
    ["speaks no JSON", () => "hello\n", /what it says is no answer/],
    ["says nothing to it", (id: number) => `{"id":${id}}\n`, /what it says is no answer/],
    ["gives no exit code", (id: number) => `{"id":${id},"error":{"code":"x","message":"y"}}\n`, /is no answer/],
  ])("of a server that %s has no answer, then or later", async (_, answer, why) => {
    const client = await openControl(await startServer(answer));
    await expect(client.ask({ do: "x" })).rejects.toThrow(why);
    await expect(client.ask({ do: "x" })).rejects.toThrow(ServerGone);
  });
});

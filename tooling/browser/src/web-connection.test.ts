import { describeConnection } from "@blkmig/testkit";
import { connectWeb } from "@blkmig/transport/web";
import { afterAll, expect, test } from "vitest";

import { node } from "./node-commands.ts";

afterAll(async () => node.stopRelays());

describeConnection("web, in a browser at both ends", async () => {
  const url = await node.startRelay(location.origin);
  const a = await connectWeb({ url });
  const b = await connectWeb({ url });
  const cleanup = async () => {
    a.destroy();
    b.destroy();
  };
  return { a, b, cleanup, capabilities: { bulkBytes: 32 * 1024 * 1024, waits: false } };
});

test("a page of another origin is not let in", async () => {
  const url = await node.startRelay("https://other.example");
  await expect(connectWeb({ url })).rejects.toMatchObject({ code: "connect" });
});

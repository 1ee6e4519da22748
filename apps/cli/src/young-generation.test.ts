import { truncateSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { text } from "node:stream/consumers";

import { expect, it } from "vitest";

import { MIB } from "./make-disks.test-kit.ts";
import { startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { startServing } from "./serving.test-kit.ts";

/** Unbound, Node.js 24 comes to 64 MiB and more here. When it is looked is luck, so it may double once more than it should, to 32. */
const FEW = 48 * MIB;
/** Objects that live for a while, as those of requests under way do: of some dozens of them, and of thousands. */
const [SOME, MANY] = [3000, 100_000];

/** Lets a process be burdened with so many objects; it tells the most that its young generation had meanwhile. */
function burdenAt(path: string, alive: number): Readonly<Record<string, string>> {
  writeFileSync(
    `${path}.mjs`,
    `import { createServer } from "node:net";
import { getHeapSpaceStatistics } from "node:v8";
const alive = [];
const young = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space").space_size;
createServer(async (socket) => {
  let most = 0;
  for (let made = 0; made < 8_000_000; made++) {
    alive[made % ${alive}] = { made, held: [made, {}] };
    if (made % 20_000 > 0) continue;
    most = Math.max(most, young());
    await new Promise(setImmediate);
  }
  socket.end(String(most));
}).listen(${JSON.stringify(path)}).unref();`,
  );
  return { NODE_OPTIONS: `--import=file://${path}.mjs` };
}

const burden = async (path: string): Promise<number> => Number(await text(createConnection(path)));

async function mostOfServer(alive: number): Promise<number> {
  const path = temporaryFolder();
  writeFileSync(path("disk"), "");
  truncateSync(path("disk"), MIB);
  await startServing({ disks: { a: path("disk") }, env: burdenAt(path("burden"), alive) });
  return burden(path("burden"));
}

it("a burdened server keeps few young objects", async () => {
  expect(await mostOfServer(SOME)).toBeLessThan(FEW);
});

it("so does a receiver that will serve", async () => {
  const path = temporaryFolder();
  const target = ["--disk", `a=${path("target")}`, "--create", "--nbd", `nbd+unix:///?socket=${path("nbd")}`];
  const receiver = startBlkmig(["receive", "tcp://127.0.0.1:0", "--json", ...target], {
    env: burdenAt(path("burden"), SOME),
  });
  await receiver.url();
  expect(await burden(path("burden"))).toBeLessThan(FEW);
});

it("a server with very much under way may keep more, or it would only collect", async () => {
  expect(await mostOfServer(MANY)).toBeGreaterThan(28 * MIB);
});

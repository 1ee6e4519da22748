// Gives back all it gets. Run by stdio.test.ts; Node strips the types of what it imports.
import { openStdio } from "./open-stdio.ts";

const wire = openStdio();
const buffer = new Uint8Array(65_536);
for (let n = await wire.read(buffer); n > 0; n = await wire.read(buffer)) await wire.send([buffer.subarray(0, n)]);
await wire.finish();

// Says its word, finishes, and lives on until its input ends. Run by stdio.test.ts; Node strips the types of what it imports.
import { openStdio } from "./open-stdio.ts";

const wire = openStdio();
await wire.send([Buffer.from("word")]);
await wire.finish();
const buffer = new Uint8Array(10);
while ((await wire.read(buffer)) > 0);

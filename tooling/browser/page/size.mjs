// What a page loads that receives into memory: bundled and minified, and compressed as servers do.
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";

import { rolldown } from "rolldown";

const input = fileURLToPath(new URL("receive-into-memory.ts", import.meta.url));
const bundle = await rolldown({ input, platform: "browser" });
const { output } = await bundle.generate({ format: "esm", minify: true });
if (output.length !== 1) throw new Error(`one file was expected, and there are ${output.length}`);
const [{ code }] = output;
const kib = (bytes) => `${(bytes.length / 1024).toFixed(1)} KiB`;
console.log(`${kib(Buffer.from(code))}, ${kib(gzipSync(code))} by gzip, ${kib(brotliCompressSync(code))} by brotli`);

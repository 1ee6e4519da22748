import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const CAPTURES = new URL("../../../tooling/testkit/fixtures/captures/", import.meta.url);

/** A capture of a real QEMU, whole: the envelope around the block section and the machine in it. */
export function wholeCapture(name: string): Uint8Array {
  return new Uint8Array(gunzipSync(readFileSync(new URL(`${name}.bin.gz`, CAPTURES))));
}

import type { BlockDevice } from "@blkmig/device/memory";

/** The SHA-256 of a whole disk, in hexadecimal. Holds the disk once more meanwhile: Web Crypto hashes whole buffers only. */
export async function sha256Of(device: BlockDevice): Promise<string> {
  const whole = new Uint8Array(device.size);
  await device.read(0, whole);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

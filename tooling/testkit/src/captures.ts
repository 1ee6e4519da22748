import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import { blockBodies } from "./capture-envelope.ts";

/** A capture in `fixtures/captures/`, as QEMU sent it. */
export function rawCapture(name: string): Uint8Array {
  return gunzipSync(readFileSync(new URL(`../fixtures/captures/${name}.bin.gz`, import.meta.url)));
}

/** The bare classic stream out of a capture. */
export function captured(name: string): Uint8Array {
  return blockBodies(rawCapture(name));
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Runs of one byte, in bytes, one after the other. */
function disk(...runs: readonly (readonly [bytes: number, value: number])[]): Uint8Array {
  const all = new Uint8Array(runs.reduce((sum, [bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [bytes, value] of runs) all.fill(value, at, (at += bytes));
  return all;
}

const MIB = 1048576;
const drive0 = sha256(disk([MIB, 0x11], [MIB, 0], [MIB, 0x33]));
const virtio1 = sha256(disk([MIB, 0x44], [MIB, 0], [1536, 0x5a]));
const disk1 = "cc8cff3d3c5845508fe288d779cf4e06e23ab6262645d6a1395d04c5e9a789a4";
const written = "ab1926e3c3ccb1e8fd7a2fc01292d9b693113ae24bc8d7b44b2877520e1d6999";
const rewritten = "a8f9538a817daf6be8e8255fc42d6a0c77aef66649ebae34c099934bb47d41f3";

export interface Capture {
  readonly name: string;
  /** Each disk's name, bytes, and SHA-256 afterwards: fixtures/captures/README.md. */
  readonly disks: readonly (readonly [name: string, size: number, sha256: string])[];
  /** BLOCK and ZERO frames, counted. */
  readonly blocks: number;
}

const DRIVE0 = ["drive0", 3 * MIB, drive0] as const;
const VIRTIO1 = ["virtio1", 2 * MIB + 1536, virtio1] as const;
const DISK1 = ["disk1", 2 * MIB, disk1] as const;

/** All captures of a real QEMU 7.2.22, the smallest first. */
export const captures: readonly Capture[] = [
  { name: "none-1disk-zeroblocks", disks: [DRIVE0], blocks: 3 },
  { name: "none-1disk", disks: [DRIVE0], blocks: 3 },
  { name: "pc-2disk-zeroblocks", disks: [DRIVE0, VIRTIO1], blocks: 6 },
  { name: "none-2disk-oddsize-zeroblocks", disks: [DRIVE0, VIRTIO1], blocks: 6 },
  { name: "qemu-7.2-zero-blocks", disks: [["disk0", 5 * MIB + 2560, written], DISK1], blocks: 8 },
  { name: "pc-2disk", disks: [DRIVE0, VIRTIO1], blocks: 6 },
  { name: "qemu-7.2-plain", disks: [["disk0", 5 * MIB + 2560, written], DISK1], blocks: 8 },
  { name: "qemu-7.2-rewrites", disks: [["disk0", 5 * MIB + 2560, rewritten], DISK1], blocks: 18 },
];

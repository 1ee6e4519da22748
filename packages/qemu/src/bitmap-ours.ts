import * as v from "valibot";

import { ask } from "./live-ask.ts";
import { attemptAll } from "./live-attempts.ts";
import { type OurName, parseName } from "./names.ts";
import type { Qmp } from "./qmp-contract.ts";

/** A dirty bitmap of a migration of ours, as QEMU tells of it. */
export interface OurBitmap {
  readonly migration: string;
  readonly node: string;
  /** As QEMU calls it. */
  readonly text: string;
  readonly name: OurName;
  /** Bytes that it has marked. */
  readonly count: number;
  /** Whether writes are marked in it. */
  readonly recording: boolean;
}

// A bitmap without a name is some job's own.
const NODES = v.array(
  v.looseObject({
    "node-name": v.optional(v.string(), ""),
    "dirty-bitmaps": v.optional(
      v.array(v.looseObject({ name: v.optional(v.string(), ""), count: v.number(), recording: v.boolean() })),
      [],
    ),
  }),
);

/** Every migration's, on whatever node. What is there is QEMU's to say: a command that timed out may have been carried out. */
export async function findAllBitmaps(qmp: Qmp): Promise<readonly OurBitmap[]> {
  // Flat, or each node tells of all below it again.
  const nodes = await ask(qmp, "query-named-block-nodes", NODES, { flat: true });
  return nodes.flatMap((node) =>
    node["dirty-bitmaps"].flatMap(({ name: text, count, recording }) => {
      const parsed = parseName(text);
      return parsed ? [{ ...parsed, node: node["node-name"], text, count, recording }] : [];
    }),
  );
}

export async function findBitmaps(qmp: Qmp, migration: string): Promise<readonly OurBitmap[]> {
  return (await findAllBitmaps(qmp)).filter((bitmap) => bitmap.migration === migration);
}

export async function removeBitmap(qmp: Qmp, { node, text }: Pick<OurBitmap, "node" | "text">): Promise<void> {
  await qmp.execute("block-dirty-bitmap-remove", { node, name: text });
}

/** Those for which `which` says so; as many as possible, then throws the first failure. */
export async function removeBitmaps(qmp: Qmp, migration: string, which: (name: OurName) => boolean): Promise<void> {
  const found = await findBitmaps(qmp, migration);
  await attemptAll(found.filter(({ name }) => which(name)).map((bitmap) => async () => removeBitmap(qmp, bitmap)));
}

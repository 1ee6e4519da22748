import type { SourceRecord, TargetRecord } from "@blkmig/journal";

import type { Dangers } from "../arguments/parse-dangers.ts";
import { formatResolveLine } from "../status/resolve-line.ts";
import { isClassic } from "./classic-id.ts";
import type { TargetView, UnreadableRecord } from "./target-view.ts";

/** Who wants to write a target, and what was said about it. */
export interface Wish {
  /** Undefined: nobody has come yet, and only what nobody may do is refused. */
  readonly migration: string | undefined;
  readonly resume: boolean;
  readonly dangers: Dangers;
  /** Migrations that this process began and did not finish. */
  readonly unfinished: ReadonlySet<string>;
  /** For the command that ends a doubt. */
  readonly stateDir: string | undefined;
}

/** Whether it may be written. Sentences are without the disk's name. */
export type Judgement =
  | { readonly may: true; readonly warning?: string }
  | { readonly may: false; readonly why: string };

const SECTOR = 512;
const YES: Judgement = { may: true };
const no = (why: string): Judgement => ({ may: false, why });

/** The guards of a target. Decides, and does nothing. */
export function judgeTarget(target: TargetView, wish: Wish): Judgement {
  const { path, size, mount } = target;
  if (size % SECTOR !== 0) return no(`${path} has ${size} bytes, which is no multiple of ${SECTOR}`);
  if (mount !== undefined && !wish.dangers.mounted) {
    return no(`${path} is mounted at ${mount}: unmount it, or --force mounted`);
  }
  const { record } = target;
  switch (record?.role) {
    case "unreadable":
      return judgeUnreadable(target, record, wish);
    case "source":
      return record.state === "asked" ? no(inDoubt(target, record, wish)) : judgeContent(target, wish);
    case "target":
      return judgeRecorded(target, record, wish);
    case undefined:
      return judgeContent(target, wish);
  }
}

function judgeRecorded(target: TargetView, record: TargetRecord, wish: Wish): Judgement {
  const { migration, state } = record;
  const isItsOwn = wish.migration === migration;
  const mayBeItsOwn = isItsOwn || (wish.migration === undefined && (wish.resume || wish.unfinished.has(migration)));
  switch (state) {
    case "sealed":
      return mayBeItsOwn ? YES : no(inDoubt(target, record, wish));
    case "committed":
      return mayBeItsOwn ? YES : judgeContent(target, wish);
    case "incomplete":
    case "aborted":
      return mayBeItsOwn ? YES : judgeUnfinished(target, record, wish);
  }
}

function judgeUnfinished({ path }: TargetView, { migration }: TargetRecord, wish: Wish): Judgement {
  const what = `${path} is an unfinished target of migration ${migration}`;
  if (wish.unfinished.has(migration)) return { may: true, warning: `${what}, which failed here: it is written anew` };
  if (wish.dangers.incomplete) return { may: true, warning: `${what}, and is overwritten` };
  const other = wish.migration === undefined ? "" : `, not of ${wish.migration}`;
  const goOn = isClassic(migration) ? "" : "--resume goes on with it when its sender comes back, ";
  return no(`${what}${other}: ${goOn}--force incomplete overwrites it`);
}

/** What a later program recorded may be a doubt: only its own words could tell, and they are not understood. */
function judgeUnreadable(target: TargetView, { code, message }: UnreadableRecord, wish: Wish): Judgement {
  if (code !== "damaged") return no(message);
  if (wish.dangers.incomplete) return judgeContent(target, wish);
  return no(`${message}: whether ${target.path} is complete is not known; --force incomplete overwrites it`);
}

function judgeContent({ path, signature }: TargetView, { dangers }: Wish): Judgement {
  if (signature === undefined || dangers.filesystem) return YES;
  return no(`${path} holds ${signature}: --force filesystem overwrites it`);
}

function inDoubt({ path }: TargetView, { role, migration }: TargetRecord | SourceRecord, { stateDir }: Wish): string {
  const verdicts = role === "target" ? (["commit", "abort"] as const) : (["gone", "keep"] as const);
  const [yes, not] = verdicts.map((verdict) => formatResolveLine({ role, path, verdict, migration, stateDir }));
  const goOn = role === "target" ? ", or say --resume and let its sender come back" : "";
  return `${path} is in doubt, of migration ${migration}, and is never overwritten: \`${yes}\` or \`${not}\` ends that${goOn}`;
}

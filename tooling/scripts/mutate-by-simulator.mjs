// Breaks each law on purpose, and lets the simulator look for it instead of the law's own test.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Rooms whose code the simulator runs. */
const ROOMS = ["packages/source/", "packages/sink/", "packages/device/", "packages/protocol/"];
const MOST_SCHEDULES = 4000;

export const isSimulated = ({ file }) => ROOMS.some((room) => file.startsWith(room));

/** What the simulator says of the tree in `copy`: a sentence, after how many schedules and by which replay, or nothing. `shaped`: words that say which schedules. */
export function soakOf(copy, seconds, shaped = []) {
  const words = ["--conditions=blkmig-source", "src/soak.ts", "--seed", "1", ...shaped];
  const limits = ["--schedules", String(MOST_SCHEDULES), "--for", `${seconds}s`];
  const cwd = join(copy, "tooling/simulator");
  const ran = spawnSync(process.execPath, [...words, ...limits], {
    cwd,
    encoding: "utf8",
    timeout: (seconds + 60) * 1000,
  });
  if (ran.error) return { after: "?", sentence: "it hangs: no schedule ends any more" };
  const [, after, sentence] = /broken after (\d+) schedules: (.*)/u.exec(ran.stderr) ?? [];
  if (sentence !== undefined) return { after: Number(after), sentence };
  if (ran.status !== 0)
    return { after: "?", sentence: `it ends with ${ran.status}: ${ran.stderr.trim().split("\n").at(-1)}` };
  return { schedules: Number(/^(\d+) schedules in/mu.exec(ran.stdout)?.[1]) };
}

/** A table in Markdown. */
export function tableOf(rows) {
  const cells = rows.map(({ name, after, sentence, schedules }) =>
    sentence === undefined
      ? [name, "not caught", `in ${schedules} schedules`]
      : [name, `${after}`, sentence.replaceAll("|", "/")],
  );
  const lines = [["mutation", "caught after schedules", "by"], ["---", "---", "---"], ...cells];
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

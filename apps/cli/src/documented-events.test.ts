import { readdirSync, readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { notInSchema, schemaEvents } from "./event-schema.test-kit.ts";
import { makeDisk, makeGarbage, MIB } from "./make-disks.test-kit.ts";
import { type JsonEvent, runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";
import { startServing } from "./serving.test-kit.ts";

const manual = readFileSync(new URL("../../../docs/operating.md", import.meta.url), "utf8");

/** The keys of each event, by the table in the manual. */
function documentedEvents(): ReadonlyMap<string, ReadonlySet<string>> {
  const section = manual.slice(manual.indexOf("\n## Events\n"), manual.indexOf("\n## Exit codes\n"));
  const rows = [...section.matchAll(/^\| (`.*?) +\|.*?\| (.*) \|$/gm)].map(
    ([, events, keys]) => [events!, keys!] as const,
  );
  const status = wordsIn(rows.find(([events]) => events === "`status`")?.[1] ?? "");
  return new Map(
    rows.flatMap(([events, keys]) => {
      const known = new Set([...wordsIn(keys), ...(keys.includes("those of `status`") ? status : [])]);
      return wordsIn(events).map((event) => [event, known] as const);
    }),
  );
}

function wordsIn(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word!);
}

it("every event that the program can print is in the manual", () => {
  const folder = new URL(".", import.meta.url);
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    /(?<!\.test|-kit)\.ts$/.test(name),
  );
  const texts = sources.map((name) => readFileSync(new URL(name, folder), "utf8"));
  const printed = texts.flatMap((text) => [...text.matchAll(/output\.event\("([a-z-]+)"/g)].map(([, name]) => name!));
  expect(printed).toContain("completed");
  const documented = documentedEvents();
  expect([...printed, "warning", "failed", "in-doubt", "cancelled"].filter((name) => !documented.has(name))).toEqual(
    [],
  );
});

it("the schema has the events and the keys that the manual has, and no others", () => {
  const sorted = (events: ReadonlyMap<string, Iterable<string>>) =>
    Object.fromEntries([...events].map(([event, keys]) => [event, [...new Set(keys)].toSorted()]));
  expect(sorted(schemaEvents())).toEqual(sorted(documentedEvents()));
});

it.each([
  [{ event: "metrics", url: "x", port: 1 }, "port"],
  [{ event: "metrics" }, "url"],
  [{ event: "metrics", url: 1 }, "string"],
  [{ event: "pass", pass: 1, status: "active", phase: "bulk", total: 1, remaining: 0, passes: 1 }, "passes"],
  [{ event: "unheard-of" }, "no such event"],
])("%o would be found not to be in the schema, for its '%s'", (event, why) => {
  const stdout = JSON.stringify({ ...event, time: new Date(0).toISOString() });
  expect(notInSchema({ stdout })).toEqual([
    expect.stringMatching(why === "port" || why === "passes" ? "unevaluated" : why),
  ]);
});

it("every key of the events that commands print is in the manual and in the schema", async () => {
  const path = temporaryFolder();
  const at = `unix://${path("at")}`;
  const [from, to] = [makeDisk(path("from"), MIB), makeGarbage(path("to"), MIB)];
  const receiver = startBlkmig(["receive", at, "--json", "--disk", `a=${to}`, "--metrics", "http://127.0.0.1:0"]);
  await receiver.url();
  const { running, control } = await startServing({ disks: { a: from } });
  const runs = [
    await runBlkmig(["send", at, "--json", "--from", control, "--after", "hold"]),
    await runBlkmig(["cancel", "--json", "--control", control]),
    await runBlkmig(["status", "--json", "--control", control]),
    await receiver.ended,
    await runBlkmig(["verify", "--json", from, to]),
  ];
  running.process.kill("SIGTERM");
  runs.push(await running.ended);
  const events = runs.flatMap((run) => run.events);
  const names = new Set(events.map(({ event }) => event));
  const wanted = ["listening", "serving", "metrics", "status", "completed", "control", "failed", "stopped"];
  expect(wanted.filter((event) => !names.has(event))).toEqual([]);
  expect(events.flatMap(undocumentedIn)).toEqual([]);
  expect(runs.flatMap(notInSchema)).toEqual([]);
});

it("every key of the events of a receiver that stays, and of those who look, is in the manual and in the schema", async () => {
  const path = temporaryFolder();
  const at = `unix://${path("at")}`;
  const [from, to, other] = [
    makeDisk(path("from"), MIB),
    makeGarbage(path("to"), MIB),
    makeGarbage(path("other"), 4096),
  ];
  const stream = path("stream");
  const receiver = startBlkmig(["receive", at, "--json", "--keep", "--disk", `a=${to}`]);
  await receiver.url();
  const runs = [
    await runBlkmig(["send", at, "--json", "--disk", `a=${from}`, "--clone"]),
    await runBlkmig(["send", `file://${stream}`, "--json", "--disk", `a=${from}`]),
  ];
  await receiver.until(({ event }) => event === "completed");
  receiver.process.kill("SIGTERM");
  runs.push(
    await receiver.ended,
    await runBlkmig(["status", "--json", "--source", from]),
    await runBlkmig(["status", "--json", "--target", to]),
    await runBlkmig(["verify", "--json", from, to]),
    await runBlkmig(["verify", "--json", from, other]),
    await runBlkmig(["inspect", "--json", stream]),
  );
  const events = runs.flatMap((run) => run.events);
  const names = new Set(events.map(({ event }) => event));
  const wanted = ["listening", "status", "pass", "completed", "source", "target", "failed", "frame", "summary"];
  expect(wanted.filter((event) => !names.has(event))).toEqual([]);
  expect(events.flatMap(undocumentedIn)).toEqual([]);
  expect(runs.flatMap(notInSchema)).toEqual([]);
});

const documented = documentedEvents();

function undocumentedIn({ event, ...fields }: JsonEvent): readonly string[] {
  const keys = documented.get(event);
  return Object.keys(fields).flatMap((key) => (keys?.has(key) ? [] : [`${event}: ${key}`]));
}

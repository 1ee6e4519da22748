import { describe, expect, it } from "vitest";

import { createProgram } from "./program.ts";
import { refusal, refused, runBlkmig } from "./run-blkmig.test-kit.ts";
import { splitWords } from "./send/split-words.ts";

const NAMES = createProgram("0")
  .commands.filter((command) => command.summary() !== "") // the others are in no help
  .map((command) => command.name());

/** The examples of a command's help, each on one line, from `blkmig` to its end or the next word of the shell. */
function examplesOf(name: string | undefined): readonly string[] {
  const program = createProgram("0");
  const command = name === undefined ? program : program.commands.find((one) => one.name() === name)!;
  const lines = command.prose().flatMap((block) => (block.kind === "examples" ? block.lines : []));
  const text = lines.join("\n").replaceAll(/\\\n\s*/g, "");
  return text.split("\n").flatMap((line) => /\bblkmig (?!.*\/blkmig$).*?(?=\s[>#]|\)|$)/.exec(line)?.[0] ?? []);
}

describe.each([undefined, ...NAMES])("the help of %s", (name) => {
  it("has examples, and each can be said", async () => {
    const examples = examplesOf(name);
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const said: string[] = [];
      const program = createProgram("0");
      for (const command of program.commands) command.action(() => void said.push(command.name()));
      const [, ...words] = splitWords(example, "Examples");
      await program.parseAsync(words, { from: "user" });
      expect(said, example).toEqual([words[0]]);
    }
  });
});

it.each(["40", "72", "200"])("help keeps to %s columns, but for what cannot be broken", async (columns) => {
  for (const name of ["send", "receive", "status"]) {
    const { stdout, stderr, code } = await runBlkmig([name, "--help"], { env: { COLUMNS: columns } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [told = "", afterExamples = ""] = stdout.split("\nExamples:\n");
    const wide = [...told.split("\n"), ...(afterExamples.split("\n\n")[1] ?? "").split("\n")]
      .filter((line) => line.length > Number(columns))
      // A line may be too long only where a single word is.
      .filter((line) => line.trim().includes(" ") && !/^\s*(Usage:|--|-h|<|[a-z]+ <)/.test(line));
    expect(wide).toEqual([]);
  }
});

it("help has no colours, whatever is said of them", async () => {
  const { stdout } = await runBlkmig(["send", "-h"], { env: { FORCE_COLOR: "1", NO_COLOR: "1" } });
  expect(stdout).not.toContain("\u001B");
  expect(stdout).toMatch(/^Live disks of a server:$/m);
  expect(stdout).not.toMatch(/default: (\[\]|false)/);
});

it("`blkmig help send`, `blkmig send --help` and `blkmig send -h` say the same", async () => {
  const said = await Promise.all(
    [
      ["help", "send"],
      ["send", "--help"],
      ["send", "-h"],
    ].map((args) => runBlkmig(args)),
  );
  expect(new Set(said.map(({ stdout }) => stdout)).size).toBe(1);
  expect(said[0]).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^Usage: blkmig send /) });
});

it("`blkmig help` is `blkmig --help`; without a command it is a usage error that shows it", async () => {
  const [help, option, nothing] = await Promise.all([["help"], ["--help"], []].map((args) => runBlkmig(args)));
  expect(help).toEqual(option);
  expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining("blkmig verify") });
  expect(nothing).toMatchObject({ code: 2, stdout: "", stderr: help!.stdout });
});

it.each([
  [["sned"], /unknown command 'sned' \(Did you mean send\?\); `blkmig --help` shows what there is$/],
  [["help", "recieve"], /unknown command 'recieve' \(Did you mean receive\?\); `blkmig --help`/],
  [["send", "-", "--wiree"], /'--wiree' \(Did you mean --wire\?\); `blkmig send --help` shows how it is used$/],
  [["verify", "a"], /missing required argument 'b'; `blkmig verify --help`/],
  [["completion", "ksh"], /'ksh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish/],
])("%j is a usage error that says what may have been meant", async (args, sentence) => {
  expect(refusal(await runBlkmig(args))).toEqual(refused(2, sentence));
});

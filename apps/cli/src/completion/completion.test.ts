import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { parseDangers } from "../arguments/parse-dangers.ts";
import { createProgram } from "../program.ts";
import { runBlkmig, temporaryFolder } from "../run-blkmig.test-kit.ts";
import { completedValue } from "./completed-value.ts";
import { completionScript } from "./completion.ts";

const program = createProgram("0");
const isThere = (shell: string): boolean => spawnSync(shell, ["-c", ":"]).status === 0;

/** A folder with something in it, and what a shell says there to a script of ours. */
function inShell(shell: "bash" | "zsh" | "fish", script: string): readonly string[] {
  const path = temporaryFolder();
  mkdirSync(path("disks"));
  writeFileSync(path("disks/vm one.img"), "");
  writeFileSync(path("script"), completionScript(program, shell));
  const args = shell === "bash" ? ["--norc", "--noprofile"] : shell === "zsh" ? ["-f"] : ["--no-config"];
  const env = { PATH: process.env["PATH"], HOME: path("."), TERM: "dumb" };
  const ended = spawnSync(shell, [...args, "-c", script], { cwd: path("."), env, encoding: "utf8", timeout: 30_000 });
  expect({ status: ended.status, stderr: ended.stderr }).toEqual({ status: 0, stderr: "" });
  return ended.stdout.split("\n").filter((line) => line !== "");
}

/** What each shell must offer: what is typed, and what can stand at its end. */
const OFFERED: readonly (readonly [string, readonly string[]])[] = [
  ["blkmig se", ["send", "serve"]],
  ["blkmig send --wire ", ["2", "1.1", "1.0", "qemu"]],
  ["blkmig send --wire=q", ["qemu"]],
  ["blkmig send tcp://127.0.0.1:1 --disk a=b --force mo", ["mounted", "moved"]],
  ["blkmig receive --no", []],
  ["blkmig receive --pai", ["--pair"]],
  ["blkmig help lim", ["limits"]],
  ["blkmig completion z", ["zsh"]],
  ["blkmig send --disk vda=disks/v", ["disks/vm one.img"]],
];

/** Shells write what they offer with what stands before it, or without; and fish with what it means. */
const bare = (offer: string): string => offer.replace(/\t.*/, "").replace(/^(--wire|vda)=/, "");

it("every value of every option is of a kind that is known", () => {
  const unknown: string[] = [];
  for (const command of program.commands) {
    for (const option of command.options) {
      const placeholder = /<(.+)>/.exec(option.flags)?.[1];
      if (option.hidden || placeholder === undefined) continue;
      if (!completedValue(command.name(), option.long ?? "", placeholder))
        unknown.push(`${command.name()} ${option.flags}`);
    }
  }
  expect(unknown).toEqual([]);
});

it.each(["send", "receive", "serve"] as const)(
  "the dangers that are offered for %s are those that it knows",
  (name) => {
    const value = completedValue(name, "--force", "danger");
    expect(value).toMatchObject({ offer: "words" });
    if (value?.offer === "words") expect(() => parseDangers(value.words, name)).not.toThrow();
  },
);

it("the program prints the script", async () => {
  const { code, stdout, stderr } = await runBlkmig(["completion", "bash"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/\ncomplete -F _blkmig blkmig\n$/);
});

describe("bash", () => {
  const offers = (typed: string, breaks = ` \t\n"'><=;|&(:`): readonly string[] => {
    const quoted = typed.replaceAll("'", String.raw`'\''`);
    const line = `COMP_WORDBREAKS=$'${breaks.replaceAll("'", String.raw`\'`)}' COMP_LINE='${quoted}' COMP_POINT=${typed.length}`;
    return inShell(
      "bash",
      `source ./script; complete -p blkmig >/dev/null || exit 9; ${line}; _blkmig; printf '%s\\n' "\${COMPREPLY[@]}"`,
    );
  };

  it.each(OFFERED)("after `%s` it offers %j", (typed, offered) => {
    expect(offers(typed).map(bare)).toEqual([...offered]);
  });

  it("a kind of address goes on after its colon, as bash cuts words there", () => {
    expect(offers("blkmig send t")).toEqual(["tcp://", "tls://"]);
    expect(offers("blkmig send tcp:")).toEqual(["//"]);
    expect(offers("blkmig send tcp:", " \t\n")).toEqual(["tcp://"]);
  });

  it("a value is not taken for a place, and a word of another command is not offered", () => {
    expect(offers("blkmig send --wire 2 ss")).toEqual(["ssh://"]);
    expect(offers("blkmig receive --wire 2 ss")).toEqual([]);
    expect(offers("blkmig verify a disks/")).toEqual(["disks/vm one.img"]);
  });
});

describe.skipIf(!isThere("fish"))("fish (Debian package fish)", () => {
  it.each(OFFERED)("after `%s` it offers %j", (typed, offered) => {
    const quoted = typed.replaceAll("'", String.raw`\'`);
    const found = inShell("fish", `source ./script; complete -C '${quoted}'`).map((line) =>
      bare(line).replaceAll("\\ ", " "),
    );
    expect(found.toSorted()).toEqual(offered.toSorted());
  });
});

describe.skipIf(!isThere("zsh"))("zsh (Debian package zsh)", () => {
  /** Completes in a terminal of its own, and gives the line as it then stands. */
  const completed = (typed: string): string => {
    const inner = [
      "PS1= PS2=; autoload -U compinit; compinit -u -d ./dump; source ./script",
      "tell() { print -r -- \"<<$BUFFER>>\"; exit }; zle -N tell; bindkey '^X' tell; bindkey '^I' complete-word; print READY",
    ].join("; ");
    const script = `zmodload zsh/zpty; zpty z 'zsh -f -i'; zpty -w z ${JSON.stringify(inner).replaceAll("$", "\\$")}; zpty -r z seen '*READY*READY*'
zpty -w -n z ${JSON.stringify(typed)}$'\\t\\x18'; zpty -r z seen '*<<*>>*'; print -r -- "$seen"`;
    return /<<(.*)>>/.exec(inShell("zsh", script).join(""))?.[1] ?? "";
  };

  it.each([
    ["blkmig resol", "blkmig resolve "],
    ["blkmig send --wire q", "blkmig send --wire qemu "],
    ["blkmig send --wire=q", "blkmig send --wire=qemu "],
    ["blkmig send tc", "blkmig send tcp://"],
    ["blkmig receive --pai", "blkmig receive --pair "],
    ["blkmig send --disk vda=disks/v", String.raw`blkmig send --disk vda=disks/vm\ one.img `],
  ])("`%s` becomes `%s`", (typed, whole) => expect(completed(typed)).toBe(whole));
});

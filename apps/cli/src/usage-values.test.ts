import { describe, expect, it } from "vitest";

import { createProgram } from "./program.ts";
import { refusal, runBlkmig } from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";
/** What is said beside the option, so that nothing else is missing. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  "limits --control": ["limits", "--max-bandwidth", "1M"],
  limits: ["limits", "--control", "x"],
  receive: ["receive", AT, "--disk", "a=x"],
  "receive --allow-origin": ["receive", "ws://127.0.0.1:0/", "--disk", "a=x"],
  "receive --control": ["receive", AT, "--disk", "a=x", "--nbd", "nbd://127.0.0.1:0"],
  "receive --disk": ["receive", AT],
  "receive --size": ["receive", AT, "--disk", "a=x", "--create"],
  cancel: ["cancel"],
  resolve: ["resolve", "--keep", "m"],
  send: ["send", AT, "--disk", "a=x"],
  "send --allow-origin": ["send", "ws://127.0.0.1:0/", "--listen", "--disk", "a=x"],
  "send --disk": ["send", AT],
  "send --from": ["send", AT],
  "send --qmp": ["send", AT],
  "send --after": ["send", AT, "--from", "x"],
  "send --forward-to": ["send", AT, "--from", "x"],
  "send --nbd-socket": ["send", AT, "--qmp", "unix:///x"],
  "send --migrate-to": ["send", AT, "--qmp", "unix:///x", "--to-qmp", "unix:///y"],
  "send --to-qmp": ["send", AT, "--qmp", "unix:///x", "--migrate-to", "unix:/z"],
  "send --remote-disk": ["send", "ssh://a", "--disk", "a=x"],
  "send --ssh-command": ["send", "ssh://a", "--disk", "a=x", "--remote-disk", "a=y"],
  serve: ["serve", "--disk", "a=x", "--nbd", "nbd://127.0.0.1:0"],
  "serve --disk": ["serve", "--nbd", "nbd://127.0.0.1:0"],
  "serve --nbd": ["serve", "--disk", "a=x"],
  status: ["status"],
};

/** A value that no option of that kind can have, and what is said of what it should be. */
const WRONG: Readonly<Record<string, readonly [string, RegExp]>> = {
  "cancel --control": ["tcp://a:1", /socket of this machine.*unix:\/\/\//],
  "limits --control": ["tcp://a:1", /socket of this machine.*unix:\/\/\//],
  "limits --downtime-limit": ["5", /no time such as 300ms/],
  "limits --max-bandwidth": ["1X", /no number of bytes such as 512, 100K/],
  "receive --allow-origin": ["pages", /such as https:/],
  "receive --control": ["tcp://a:1", /socket of this machine.*unix:\/\/\//],
  "receive --disk": ["a", /is not NAME=/],
  "receive --force": ["luck", /no danger of `blkmig receive`; they are filesystem/],
  "receive --metrics": ["tcp://a:1", /http:\/\/host:port\/metrics/],
  "receive --nbd": ["x", /for example nbd:/],
  "receive --reconnect-for": ["5", /no time such as 300ms/],
  "receive --size": ["a=", /is not NAME=BYTES/],
  "resolve --qmp": ["x", /for example/],
  "send --after": ["x", /none of forward, close and hold/],
  "send --allow-origin": ["pages", /such as https:/],
  "send --disk": ["a", /is not NAME=/],
  "send --downtime-limit": ["5", /no time such as 300ms/],
  "send --force": ["luck", /no danger of `blkmig send`; they are in-use/],
  "send --forward-to": ["x", /for example nbd:/],
  "send --from": ["tcp://a:1", /socket of this machine.*unix:\/\/\//],
  "send --granularity": ["3K", /power of two from 4K to 1M/],
  "send --max-bandwidth": ["1X", /no number of bytes such as 512, 100K/],
  "send --metrics": ["tcp://a:1", /http:\/\/host:port\/metrics/],
  "send --migrate-to": ["exec:cat", /tcp:|unix:/],
  "send --nbd-socket": ["x", /no absolute path/],
  "send --qmp": ["x", /for example/],
  "send --reconnect-for": ["5", /no time such as 300ms/],
  "send --remote-disk": ["a", /is not NAME=TARGET/],
  "send --ssh-command": ["ssh 'x", /a quote .* is not closed/],
  "send --to-qmp": ["x", /for example/],
  "send --wire": ["3", /they are 2, 1.1, 1.0 and qemu/],
  "serve --control": ["tcp://a:1", /socket of this machine.*unix:\/\/\//],
  "serve --disk": ["a", /is not NAME=/],
  "serve --force": ["luck", /no danger of `blkmig serve`; they are in-use/],
  "serve --granularity": ["256", /power of two from 512 to 1M/],
  "serve --metrics": ["tcp://a:1", /http:\/\/host:port\/metrics/],
  "serve --nbd": ["x", /for example nbd:/],
  "status --control": ["tcp://a:1", /socket of this machine.*unix:\/\/\//],
  "status --qmp": ["x", /for example/],
};

/** Any word may be one: a path, an ID or a name. What is not there is refused when it is looked for. */
const ANY_WORD = new Set([
  "receive --state-dir",
  "receive --tls-ca",
  "receive --tls-cert",
  "receive --tls-key",
  "receive --token-file",
  "receive --vm-state",
  "resolve --abort",
  "resolve --commit",
  "resolve --gone",
  "resolve --keep",
  "resolve --source",
  "resolve --state-dir",
  "resolve --target",
  "send --machine",
  "send --remote-command",
  "send --remote-flag", // the receiver there looks at it
  "send --state-dir",
  "send --tls-ca",
  "send --tls-cert",
  "send --tls-key",
  "send --token-file",
  "serve --state-dir",
  "status --source",
  "status --state-dir",
  "status --target",
]);

const withValue = createProgram("0").commands.flatMap((command) =>
  command.options
    .filter((option) => (option.required || option.optional) && !option.hidden)
    .map((option) => `${command.name()} ${option.long}`),
);

it("of every option that takes a value a wrong one is tried, or any word is right", () => {
  expect([...Object.keys(WRONG), ...ANY_WORD].toSorted()).toEqual(withValue.toSorted());
});

describe("a wrong value", () => {
  it.each(Object.entries(WRONG))(
    "of %s is named with its option, and what is expected",
    async (option, [value, why]) => {
      const [command = "", long = ""] = option.split(" ");
      const ended = await runBlkmig([...(BESIDE[option] ?? BESIDE[command] ?? []), long, value]);
      const { code, sentences, stackTrace } = refusal(ended);
      expect({ code, stackTrace }).toEqual({ code: 2, stackTrace: false });
      const [sentence = "", ...more] = sentences as string[];
      expect(more).toEqual([]);
      expect(sentence).toContain(long);
      expect(sentence).toContain(value);
      expect(sentence).toMatch(why);
    },
  );
});

it.each(withValue)("%s without its value is a usage error that says so", async (option) => {
  const [command = "", long = ""] = option.split(" ");
  const program = createProgram("0");
  const words = [command, ...(["send", "receive"].includes(command) ? [AT] : []), long];
  await expect(program.parseAsync(words, { from: "user" })).rejects.toMatchObject({
    code: "commander.optionMissingArgument",
    message: expect.stringContaining(long),
  });
});

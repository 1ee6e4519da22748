import { expect, it } from "vitest";

import { refusal, refused, runBlkmig } from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";

it.each([
  [["receive", AT, "--disk", "a=x", "--pair"], /--pair: tcp: is in clear text/],
  [["receive", "tls://127.0.0.1:0", "--disk", "a=x", "--pair", "--keep"], /--pair makes a token for one migration/],
  [["receive", "tls://127.0.0.1:0", "--disk", "a=x", "--pair", "--token-file", "x"], /no key is said with it/],
  [["receive", "tls://127.0.0.1:0", "--disk", "a=x"], /tls: needs --token-file, or --tls-cert/],
  [["receive", AT, "--disk", "a=x", "--token-file", "x"], /tcp: is in clear text; tls: and wss: are encrypted/],
  [["send", "ws://127.0.0.1:0/", "--disk", "a=x", "--allow-origin", "https://a.example"], /is for listening at ws/],
  [["send", AT, "--listen", "--disk", "a=x", "--allow-origin", "https://a.example"], /is for listening at ws/],
  [["send", "ws://127.0.0.1:0/", "--listen", "--disk", "a=x", "--allow-origin", "*"], /is no origin such as/],
  [["receive", AT, "--disk", "a=x", "--allow-origin", "https://a.example"], /is for listening at ws: and wss:/],
  [["receive", "ws://127.0.0.1:0/", "--disk", "a=x", "--allow-origin", "a.example"], /is no origin such as/],
  [["receive", AT, "--disk", "a=x", "--verify"], /unknown option '--verify'/],
  [["receive", AT, "--disk", "a=x", "--force", "moved"], /'moved' is no danger of `blkmig receive`/],
  [["receive", "-", "--disk", "a=x", "--reconnect-for", "1s"], /nobody comes back to -/],
  [["receive", "file:///x", "--disk", "a=x", "--resume"], /cannot be resumed/],
  [["receive", "ssh://a", "--disk", "a=x"], /ssh is for sending only/],
  [["receive", AT, "--disk", "a=x", "--nbd", "x"], /--nbd: 'x': .* for example nbd:/],
  [["receive", AT, "--disk", "a=x", "--disk", "a=y"], /two disks are called 'a'/],
  [["receive", AT, "--disk", "a=x", "--create", "--size", "b=1M"], /no disk is called 'b'/],
  [["receive", AT, "--disk", "a=x", "--create", "--size", "a=0"], /would be empty/],
  [["receive", "file:///x", "--disk", "a=/nowhere/x", "--create"], /carries no size: say --size a=BYTES/],
  [["receive", "-", "--disk", "a=x", "--keep"], /nobody can dial - again/],
  [["serve", "--nbd", "nbd://127.0.0.1:0"], /at least one --disk/],
  [["serve", "--disk", "a=x"], /at least one --nbd URL/],
  [["serve", "--disk", "a=x", "--nbd", "nbd://127.0.0.1:0/a"], /an export cannot be said here/],
  [["serve", "--disk", "a=x", "--nbd", "nbd://127.0.0.1:0", "--granularity", "256"], /no power of two from 512 to 1M/],
  [["serve", "--disk", "a=x", "--nbd", "nbd://127.0.0.1:0", "--force", "moved"], /is no danger of `blkmig serve`/],
  [["serve", "--disk", "a=x", "--nbd", "nbd://127.0.0.1:0", "--control", "tcp://a:1"], /is no socket of this machine/],
  [["cancel"], /required option '--control <control>' not specified/],
  [["limits", "--control", "x"], /say --max-bandwidth, --downtime-limit, or both/],
  [["limits", "--control", "x", "--max-bandwidth", "no"], /--max-bandwidth: 'no' is no number of bytes/],
  [["status", "--control", "x", "--source", "y"], /ask for one at a time/],
  [["status", "--control", "x", "--state-dir", "y"], /the server of --control has its own/],
  [["resolve", "--target", "x"], /say --target PATH with --commit ID/],
  [["resolve", "--qmp", "unix:///x"], /--qmp URL with --keep ID or --gone ID/],
  [["resolve", "--qmp", "unix:///x", "--abort", "m"], /--qmp URL with --keep ID or --gone ID/],
  [["resolve", "--qmp", "unix:///x", "--source", "y", "--keep", "m"], /, once/],
  [["resolve", "--qmp", "x", "--keep", "m"], /qmp 'x': a monitor listens at unix:\/\/\/path or tcp:/],
  [["migrate"], /unknown command 'migrate'/],
  [["verify", "a"], /missing required argument 'b'/],
])("%j is a usage error", async (args, sentence) => {
  expect(refusal(await runBlkmig(args))).toEqual(refused(2, sentence));
});

it("a usage error is an event, too", async () => {
  const { events } = await runBlkmig(["send", AT, "--json", "--wire", "3", "--disk", "a=x"]);
  expect(events).toEqual([{ event: "failed", code: "usage", message: expect.stringContaining("'3' is no wire") }]);
});

import { expect, it } from "vitest";

import { refusal, refused, runBlkmig } from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";

it.each([
  [["send"], /missing required argument 'to'/],
  [["send", AT], /at least one --disk/],
  [["send", AT, "--disk", "a"], /'a' is not NAME=PATH/],
  [["send", AT, "--disk", "a=nbd://h/x"], /NBD are not built yet/],
  [["send", "tcp://a", "--disk", "a=x"], /the port is missing/],
  [["send", "http://a", "--disk", "a=x"], /'http' is no kind of wire/],
  [["send", "tls://a:1", "--disk", "a=x"], /tls: is not built yet/],
  [["send", "wss://a/", "--disk", "a=x"], /wss: is not built yet/],
  [["send", "ssh://a", "--disk", "a=x"], /ssh: is not built yet/],
  [["send", AT, "--disk", "a=x", "--wire", "2"], /--wire 2 is not built yet/],
  [["send", AT, "--disk", "a=x", "--machine", "pc"], /--machine is for --wire qemu alone/],
  [["send", AT, "--disk", "a=x", "--wire", "3"], /'3' is no wire/],
  [["send", AT, "--disk", "a=x", "--max-bandwidth", "1X"], /--max-bandwidth: '1X' is no number of bytes/],
  [["send", AT, "--disk", "a=x", "--downtime-limit", "5"], /--downtime-limit: '5' is no time/],
  [["send", AT, "--disk", "a=x", "--force", "luck"], /'luck' is no danger/],
  [["send", AT, "--disk", "a=x", "--frobnicate"], /unknown option '--frobnicate'/],
  [["send", "file:///x", "--disk", "a=x", "--listen"], /nobody can dial/],
  [["send", AT, "--from", "x"], /--from is not built yet/],
  [["send", AT, "--qmp", "x"], /--qmp is not built yet/],
  [["send", AT, "--disk", "a=x", "--token-file", "x"], /--token-file is not built yet/],
  [["send", AT, "--disk", "a=x", "--resume"], /--resume is not built yet/],
  [["send", AT, "--disk", "a=x", "--verify"], /--verify is not built yet/],
  [["send", AT, "--disk", "a=x", "--no-verify"], /--no-verify is not built yet/],
  [["send", AT, "--disk", "a=x", "--state-dir", "x"], /--state-dir is not built yet/],
  [["send", AT, "--disk", "a=x", "--tls-ca", "x"], /--tls-ca is not built yet/],
  [["receive", AT, "--disk", "a=x", "--pair"], /--pair is not built yet/],
  [["receive", AT, "--disk", "a=x", "--nbd", "x"], /--nbd is not built yet/],
  [["receive", AT, "--disk", "a=x", "--disk", "a=y"], /two disks are called 'a'/],
  [["receive", AT, "--disk", "a=x", "--create", "--size", "b=1M"], /no disk is called 'b'/],
  [["receive", AT, "--disk", "a=x", "--create", "--size", "a=0"], /would be empty/],
  [["receive", AT, "--disk", "a=/nowhere/x", "--create"], /a stream carries no size: say --size a=BYTES/],
  [["receive", "-", "--disk", "a=x", "--keep"], /nobody can dial - again/],
  [["serve", "--disk", "a=x"], /`blkmig serve` is not built yet/],
  [["status", "--control", "x"], /`blkmig status` is not built yet/],
  [["resolve", "--target", "x", "--commit", "1"], /`blkmig resolve` is not built yet/],
  [["migrate"], /unknown command 'migrate'/],
  [["verify", "a"], /missing required argument 'b'/],
])("%j is a usage error", async (args, sentence) => {
  expect(refusal(await runBlkmig(args))).toEqual(refused(2, sentence));
});

it("a usage error is an event, too", async () => {
  const { events } = await runBlkmig(["send", AT, "--json", "--wire", "2", "--disk", "a=x"]);
  expect(events).toEqual([{ event: "failed", code: "usage", message: expect.stringContaining("--wire 2") }]);
});

import { expect, it } from "vitest";

import { refusal, refused, runBlkmig } from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";

it.each([
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
  const { events } = await runBlkmig(["send", AT, "--json", "--wire", "3", "--disk", "a=x"]);
  expect(events).toEqual([{ event: "failed", code: "usage", message: expect.stringContaining("'3' is no wire") }]);
});

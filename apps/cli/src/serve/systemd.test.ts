import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

import { describe, expect, it, vi } from "vitest";

import { temporaryFolder } from "../run-blkmig.test-kit.ts";
import { createSystemd } from "./systemd.ts";

/** Puts a `systemd-notify` first that does this. */
function standIn(script: string): (name: string) => string {
  const path = temporaryFolder();
  mkdirSync(path("bin"));
  writeFileSync(path("bin/systemd-notify"), `#!/bin/sh\n${script}\n`);
  chmodSync(path("bin/systemd-notify"), 0o755);
  vi.stubEnv("PATH", `${path("bin")}:${process.env["PATH"]}`);
  return path;
}

describe("systemd", () => {
  it("is told in order, and nobody waits for it", async () => {
    const path = standIn('printf "%s|" "$@" >> "$(dirname "$0")/../told"; echo >> "$(dirname "$0")/../told"');
    const systemd = createSystemd("/run/notify", (message) => expect.fail(message));
    systemd.tell("READY=1", "STATUS=serving nbd://a b");
    systemd.tell("STOPPING=1");
    await systemd.told();
    expect(readFileSync(path("told"), "utf8")).toBe("READY=1|STATUS=serving nbd://a b|\nSTOPPING=1|\n");
    vi.unstubAllEnvs();
  });

  it("that cannot be told is warned of once", async () => {
    standIn("echo no such socket >&2; exit 1");
    const warnings: string[] = [];
    const systemd = createSystemd("/run/notify", (message) => warnings.push(message));
    systemd.tell("READY=1");
    systemd.tell("STOPPING=1");
    await systemd.told();
    expect(warnings).toEqual([expect.stringMatching(/^systemd was not told READY=1: .*no such socket/s)]);
    vi.unstubAllEnvs();
  });

  it("that does not want to know is not told", async () => {
    standIn("exit 1");
    const systemd = createSystemd(undefined, (message) => expect.fail(message));
    systemd.tell("READY=1");
    await systemd.told();
    vi.unstubAllEnvs();
  });
});

import { existsSync, readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { makeAuthority, makeCredentials, TLS_CREDS, tlsArguments } from "./certificates.ts";
import { makeDisk, makeGarbageDisk } from "./make-disk.ts";
import { listeningAt, migrationStatus, setCapabilities, setParameters, startMigration } from "./migration.ts";
import { qemuWithTls } from "./needs.ts";
import { startQemu } from "./qemu.ts";
import { runBlkmig, startBlkmig } from "./run-blkmig.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const MIB = 1048576;
const SIZE = 6 * MIB;
const RECEIVER = "receiver.example";

type Path = (name: string) => string;

/** Two authorities, and what each may have signed. */
function makeParties(path: Path) {
  const [ours, theirs] = [makeAuthority(path("our")), makeAuthority(path("their"))];
  return {
    ours,
    theirs,
    sender: () => makeCredentials(path("sender"), { end: "client", signedBy: ours }),
    receiver: (names?: string) =>
      makeCredentials(path("receiver"), { end: "server", signedBy: ours, ...(names === undefined ? {} : { names }) }),
    /** Trusts us as it should, but nobody of ours has signed it. */
    stranger: () => makeCredentials(path("stranger"), { end: "client", signedBy: theirs, trusts: [theirs, ours] }),
    /** Trusts its own authority alone. */
    distrustful: () => makeCredentials(path("distrustful"), { end: "client", signedBy: theirs }),
  };
}

type Parties = ReturnType<typeof makeParties>;

describe.skipIf(qemuWithTls.missing)(`from QEMU to blkmig, in TLS (${qemuWithTls.needs})`, () => {
  const receiving = (path: Path, parties: Parties) => {
    const received = makeGarbageDisk(path("received"), SIZE);
    const keys = parties.receiver(`DNS:${RECEIVER}`).flags;
    const blkmig = startBlkmig(["receive", "tls://127.0.0.1:0", "--json", "--disk", `disk0=${received}`, ...keys]);
    return { received, blkmig };
  };

  /** A migration of a QEMU of its own, to its end, or until `over`: one that is refused in TLS may wait for an answer for good. */
  const migrate = async (
    path: Path,
    port: number,
    name: string,
    credentials?: ReturnType<Parties["sender"]>,
    over: Promise<unknown> = new Promise(() => {}),
  ) => {
    const disks = [{ id: "disk0", path: existsSync(path("sent")) ? path("sent") : makeDisk(path("sent"), SIZE) }];
    const more = credentials ? tlsArguments(credentials, "client") : [];
    const from = await startQemu({ path, name, memory: 16 * MIB, paused: true, disks, more });
    await setCapabilities(from.qmp, { "return-path": true });
    await setParameters(from.qmp, { "downtime-limit": 0 });
    if (credentials) await setParameters(from.qmp, { "tls-creds": TLS_CREDS, "tls-hostname": RECEIVER });
    const { ended } = await startMigration(from.qmp, `tcp:127.0.0.1:${port}`);
    await Promise.race([ended(), over]);
    const end = await migrationStatus(from.qmp);
    await from.stop();
    return end;
  };

  it("the disk arrives, and QEMU is told so", async () => {
    const path = temporaryFolder();
    const parties = makeParties(path);
    const { received, blkmig } = receiving(path, parties);
    const end = await migrate(path, await blkmig.port(), "from", parties.sender());
    expect(end).toMatchObject({ status: "completed" });
    expect(await blkmig.exited).toMatchObject({ code: 0 });
    expect(readFileSync(received).equals(readFileSync(path("sent")))).toBe(true);
  });

  it.each([
    ["a QEMU in clear text", "clear", "it speaks clear text, not TLS"],
    ["a QEMU with a stranger's certificate", "stranger", "its certificate is not trusted"],
    ["a QEMU that trusts strangers alone", "distrustful", "its certificate is not trusted"],
  ] as const)("%s fails, nothing is written, and the next one is taken", async (_, who, why) => {
    const path = temporaryFolder();
    const parties = makeParties(path);
    const { received, blkmig } = receiving(path, parties);
    const port = await blkmig.port();
    const dropped = blkmig.events.until((event) => String(event["message"]).includes(why));
    const refused = await migrate(path, port, "refused", who === "clear" ? undefined : parties[who](), dropped);
    await dropped;
    expect(refused.status).not.toBe("completed");
    expect(readFileSync(received).equals(Buffer.alloc(SIZE, 0xa5))).toBe(true);
    expect(existsSync(`${received}.blkmig`)).toBe(false);
    expect(await migrate(path, port, "taken", parties.sender())).toMatchObject({ status: "completed" });
    const { code, stderr } = await blkmig.exited;
    expect(code).toBe(0);
    expect(stderr).toContain(why);
    expect(readFileSync(received).equals(readFileSync(path("sent")))).toBe(true);
  });
});

describe.skipIf(qemuWithTls.missing)(`from blkmig to QEMU, in TLS (${qemuWithTls.needs})`, () => {
  const waiting = async (path: Path, parties: Parties) => {
    const received = makeGarbageDisk(path("received"), SIZE);
    const disks = [{ id: "disk0", path: received }];
    const more = tlsArguments(parties.receiver(), "server");
    const to = await startQemu({ path, memory: 16 * MIB, paused: true, disks, incoming: "defer", more });
    await setParameters(to.qmp, { "tls-creds": TLS_CREDS });
    await to.qmp.execute("migrate-incoming", { uri: "tcp:127.0.0.1:0" });
    return { to, received, address: (await listeningAt(to.qmp)).replace("tcp:", "") };
  };

  it("the disk arrives, and QEMU says completed", async () => {
    const path = temporaryFolder();
    const parties = makeParties(path);
    const sent = makeDisk(path("sent"), SIZE);
    const { to, received, address } = await waiting(path, parties);
    const keys = parties.sender().flags;
    const told = ["--wire", "qemu", "--json", "--disk", `disk0=${sent}`];
    const ended = await runBlkmig(["send", `tls://${address}`, ...told, ...keys]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toContain('"proved":true');
    expect(await migrationStatus(to.qmp)).toMatchObject({ status: "completed" });
    await to.stop();
    expect(readFileSync(received).equals(readFileSync(sent))).toBe(true);
  });

  it.each([
    ["in clear text", "clear", 1, "An unexpected TLS packet was received"],
    ["with a stranger's certificate", "stranger", 1, "The certificate hasn't got a known issuer"],
    ["that trusts strangers alone", "distrustful", 3, "TLS handshake failed"],
  ] as const)("a sender %s fails, and nothing is written", async (_, who, code, why) => {
    const path = temporaryFolder();
    const parties = makeParties(path);
    const sent = makeDisk(path("sent"), SIZE);
    const { to, received, address } = await waiting(path, parties);
    const [url, keys] = who === "clear" ? [`tcp://${address}`, []] : [`tls://${address}`, parties[who]().flags];
    const ended = await runBlkmig(["send", url, "--wire", "qemu", "--disk", `disk0=${sent}`, ...keys]);
    expect(ended).toMatchObject({ code, stderr: expect.stringMatching(/^blkmig: t\w+:\/\/127/m) });
    expect((await to.stop()).stderr).toContain(why);
    expect(readFileSync(received).equals(Buffer.alloc(SIZE, 0xa5))).toBe(true);
  });
});

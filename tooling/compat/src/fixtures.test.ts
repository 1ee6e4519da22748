import { createHash } from "node:crypto";

import { describe, expect, test } from "vitest";

import { fixtureBytes, manifestOf, readTranscript, revisions, writeFixtures } from "./fixtures.ts";
import { recordSession } from "./record-session.ts";
import { saidWithin } from "./said-by-sink.ts";
import { SCENARIOS } from "./scenarios.ts";

const MOST_BYTES = 300 * 1024;

/** SHA-256 of every fixture there is. Lines are added here, and none is changed: what was released was released so. */
const RECORDED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "session-2.0": {
    "answer-lost": "3de3e74ff3f532e190a5fb22e812848a0d3845dd6bbea4622e1fefa8a4380105",
    "attempt-aborted": "1ee8df70fcf9102dbecf17329adc822d2118ed277a0dae516ee5edb6c5a67279",
    cancelled: "3ec86d7a00868b8f2d66b25ef3c3c0f5756cacd8ced2ff10817e1460fcccfa51",
    "cut-and-reconnect": "6546c7a136da1d49f65337cd4851ec79909dadf4ce8202a30f3afd884de136fa",
    "guest-writes": "395aa2b18ce6152f20c4ab6e5dc0ca7fd3830bd645961b7cb3c9a2b7eb2dac45",
    plain: "640b26df754ac10cc9dc09d43188591fd261442d3b475a11318a2d7f52f44a45",
    refused: "2489b6f03c56715f32ec19aea379a1c737630f94f42b265d5dbbcdc0ea381f40",
    resume: "4081200abc5e5a41426ae7edeca12342bf19dd0c23f68e364aad788dff38c98f",
    "sink-restarted": "10528b0232eb8e46e40a16730b98e6ea7766900f4d7119d368f9a111ce947561",
    "two-disks": "786ad0fc2aed097eaffb9fcb0640db60ead412c86b659b890b52eac0319bb078",
    verify: "69e6bc51978b2c8a6cec1ab532b8235528c38016793633e3f05c6bccb866ed60",
  },
  "session-2.1": {
    "answer-lost": "6a0252e0bf1497cf0c5e867290c3a716bc878e06cb55ad1674b8364f38f48d6c",
    "attempt-aborted": "0da49ef16a1eeded2af8dfc9cc4a847218838c13974a2145f82cd3c190f0c4fc",
    cancelled: "7be9db6258beeec109b5eac1a40d4f28c023f94f77369a0038abaa8fd5030caf",
    "cut-and-reconnect": "86858cf92c1318499e829abf92267c332a89fcddd91d1c8c9b50be5fa1339948",
    "guest-writes": "89924aec4b27aca54be4fc33d9815903e77536b0f4d1e163045aa70e2a6fe2cb",
    "handed-over": "66a08de1479ee2c5444fd7cdf6092d62b44196f989a4cea354242534e7637cef",
    plain: "d07aa66784f167d893203ccb8410a7df6804c790fc9dc0cf8d44179d075f2ffd",
    refused: "deba9d56e9bb6b198ea24ad666335e653f278e6a16dece7be48cad4188694caa",
    resume: "01019c5ee980976618528cc1a361c5e7cb1e7a17e7b0733062bcafc4b9ffd27c",
    "sink-restarted": "ccff9d0d4302c68776b11f12842a85cecf97b7cc075dab57ad4ca6558097edcb",
    "two-disks": "f288e07fcf181d14fedc5d90bf3acd2d02994fcc29b78ef1c1ca9a59dbf7cd1a",
    unchecked: "7f8474f61766cc6045f44e023800c32cebacdab2710a80c536ee5abda75ced92",
    verify: "af798427249a5b35c7ec1cc467029fead5315d0fd2998532ebcb3e8882f621d1",
  },
};

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("every revision that was recorded is here, and no other", () => {
  expect(revisions()).toEqual(Object.keys(RECORDED));
});

describe.each(revisions())("%s", (revision) => {
  const { session, writtenBy, transcripts } = manifestOf(revision);

  test("is as it was recorded", () => {
    const sums = transcripts.map((name) => [name, sha256(fixtureBytes(revision, name))]);
    expect(Object.fromEntries(sums)).toEqual(RECORDED[revision]);
    expect(`session-${session}`).toBe(revision);
    expect(writtenBy).toMatch(/^blkmig \d+\.\d+\.\d+ \([0-9a-f]{12}\)$/);
  });

  test("is small", () => {
    const bytes = transcripts.reduce((sum, name) => sum + fixtureBytes(revision, name).length, 0);
    expect(bytes).toBeLessThan(MOST_BYTES);
  });

  test("is never written again", () => {
    expect(() => writeFixtures({ session, writtenBy }, new Map())).toThrow(/is there already/);
  });
});

describe("what the recorder records today", () => {
  const newest = revisions().at(-1)!;

  test.each(Object.keys(SCENARIOS))("ends as it did: %s", async (name) => {
    const { decided, source, sink, contents, connections } = await recordSession(SCENARIOS[name]!, `compat-${name}`);
    const before = readTranscript(newest, name);
    expect({ decided, source, sink, contents }).toEqual({
      decided: before.decided,
      source: before.source,
      sink: before.sink,
      contents: before.contents,
    });
    expect(connections.map(({ isCut }) => isCut)).toEqual(before.connections.map(({ isCut }) => isCut));
  });

  const said = (name: string) =>
    readTranscript(newest, name).connections.map((connection) => saidWithin(connection.sink, Infinity));

  test("has extents that are found equal, and others that differ, where a migration is taken up", () => {
    for (const name of ["resume", "sink-restarted"]) {
      const answers = said(name).flatMap((each) => each.answers);
      expect(answers.some((answer) => answer.endsWith("equal"))).toBe(true);
      expect(answers.some((answer) => answer.endsWith("differs"))).toBe(true);
    }
  });

  test("has several passes where the guest writes", () => {
    const flushes = said("guest-writes")[0]!.messages.filter(({ say }) => say === "flushed");
    expect(flushes.length).toBeGreaterThan(3);
  });

  test("is cut in the middle of the data, and once between the decision and its answer", () => {
    const [first] = readTranscript(newest, "cut-and-reconnect").connections;
    expect(first!.readBySink).toBeLessThan(first!.source.reduce((sum, { bytes }) => sum + bytes.length, 0));
    const [before, after] = said("answer-lost");
    expect(before!.messages.at(-1)).toMatchObject({ say: "committed" });
    expect(after!.messages.at(-1)).toMatchObject({ say: "state", state: "committed" });
  });
});

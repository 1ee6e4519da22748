import { expect } from "vitest";

import { connectHostile, hello, type HostilePeer, PREFACE } from "./hostile-peer.test-kit.ts";
import { makeDisk, makeGarbage, MIB, sameFiles } from "./make-disks.test-kit.ts";
import { probeMemory, type ProbedMemory } from "./probe-memory.test-kit.ts";
import { runBlkmig, startBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

/** A receiver that is kept, of one disk "a" of 1 MiB, and that waits for nobody who breaks off. */
export interface Besieged {
  readonly url: string;
  /** Where its target is, and nothing else of the test's. */
  readonly folder: string;
  readonly target: string;
  memory(): Promise<ProbedMemory>;
  /** Settles when its log says that of a peer. */
  logged(peer: string, sentence: RegExp): Promise<void>;
  /** Settles when so many migrations have failed; gives what the log says of the last of them. */
  failed(count: number): Promise<string>;
  /** A sender that behaves gets its disk across. */
  serves(): Promise<void>;
}

export async function besiege(...options: readonly string[]): Promise<Besieged> {
  const [path, inFolder] = [temporaryFolder(), temporaryFolder()];
  const probe = probeMemory(path("memory"));
  const source = makeDisk(path("source"), MIB);
  const target = makeGarbage(inFolder("target"), MIB);
  const args = ["receive", "tcp://127.0.0.1:0", "--json", "--keep", "--create", "--reconnect-for", "0ms"];
  const receiver = startBlkmig([...args, "--disk", `a=${target}`, ...options], { env: probe.env });
  const url = await receiver.url();
  return {
    url,
    folder: inFolder(""),
    target,
    memory: async () => probe.ask(),
    async logged(peer, sentence) {
      await receiver.until((event) => {
        const text = JSON.stringify(event);
        return text.includes(peer) && sentence.test(text);
      });
    },
    async failed(count) {
      let seen = 0;
      let said: string[] = [];
      await receiver.until((event) => {
        if (event.event === "listening") [seen, said] = [0, []]; // the first of all: it looks from the beginning, each time
        if (seen === count - 1) said.push(JSON.stringify(event));
        if (event.event === "failed") seen++;
        return seen === count;
      });
      return said.join("\n");
    },
    async serves() {
      makeGarbage(target, MIB);
      const { code, stderr } = await runBlkmig(["send", url, "--clone", "--disk", `a=${source}`]);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(sameFiles(source, target)).toBe(true);
    },
  };
}

/** A peer that was let in, for its disk "a"; it comes again while another migration is being ended. */
export async function connectAgreed(url: string, migration: string): Promise<HostilePeer> {
  for (;;) {
    const peer = await connectHostile(url);
    peer.put(Buffer.concat([PREFACE, hello(migration)]));
    if (await peer.hears('"say":"welcome"')) return peer;
  }
}

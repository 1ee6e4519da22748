import { createMemoryDevice } from "@blkmig/device/memory";
import { load } from "@blkmig/sink";
import { connectWeb } from "@blkmig/transport/web";
import { describe, expect, onTestFinished, test, vi } from "vitest";

import page from "../page/index.html?raw";
import { receiveIntoMemory } from "../page/receive-into-memory.ts";
import { mountReceiverForm } from "../page/receiver-form.ts";
import { sha256Of } from "../page/sha256-of.ts";
import { node } from "./node-commands.ts";

const MOST_BYTES = 64 * 1024 * 1024;

async function startSender(...flags: string[]) {
  const sender = await node.startSender({ origin: location.origin, flags });
  onTestFinished(async () => node.stopSender(sender.url));
  return sender;
}

describe("the real `blkmig send --listen`, received in a page", () => {
  test.each([
    { said: [], verified: true },
    { said: ["--no-verify", "--clone"], verified: false },
  ])("a session commits, and the sender says that it is proved: $said", async ({ said, verified }) => {
    const { url, size, sha256 } = await startSender(...said);
    const { disks, result } = await receiveIntoMemory({ url, mostBytes: MOST_BYTES });
    expect(result).toMatchObject({ verified, told: true, covered: size, total: size });
    expect(await sha256Of(disks.get("vda")!)).toBe(sha256);
    const { code, last } = await node.senderEnd(url);
    expect([code, JSON.parse(last)]).toMatchObject([0, { event: "completed", proved: true }]);
  });

  test("a classic stream is loaded, and its sender hears that it is", async () => {
    const { url, size, sha256 } = await startSender("--wire", "1.1");
    const device = createMemoryDevice({ size, fill: 0xa5 });
    const wire = await connectWeb({ url });
    onTestFinished(() => wire.destroy());
    const result = await load({ disks: [{ name: "vda", device }], wire });
    await wire.finish();
    expect(result).toMatchObject({ answered: true, covered: size });
    expect(await sha256Of(device)).toBe(sha256);
    const { code, last } = await node.senderEnd(url);
    expect([code, JSON.parse(last)]).toMatchObject([0, { event: "completed", proved: true }]);
  });

  test("more than the page takes is refused, and stays at its sender", async () => {
    const { url } = await startSender();
    await expect(receiveIntoMemory({ url, mostBytes: 1000 })).rejects.toThrow("more than the 1000");
    expect((await node.senderEnd(url)).code).toBe(3);
  });

  test("the example page says what came", async () => {
    const { url, sha256, size } = await startSender();
    const { body } = new DOMParser().parseFromString(page, "text/html");
    const form = document.body.appendChild(body.querySelector("form")!);
    const output = document.body.appendChild(body.querySelector("output")!);
    onTestFinished(() => [form, output].forEach((element) => element.remove()));
    mountReceiverForm(form, output);
    form.querySelector("input")!.value = url;
    form.querySelector("button")!.click();
    await vi.waitUntil(() => /^(?:committed|\w*Error)/.test(output.value), { timeout: 60_000 });
    expect(output.value).toBe(`committed, read back and found equal\nvda: ${size} bytes, SHA-256 ${sha256}`);
  });
});

import { receiveIntoMemory } from "./receive-into-memory.ts";
import { sha256Of } from "./sha256-of.ts";

const MOST_BYTES = 1024 ** 3;

/** Receives from the address in the form when it is submitted, and says in `output` what came. */
export function mountReceiverForm(form: HTMLFormElement, output: HTMLOutputElement): void {
  const receive = async (url: string): Promise<string> => {
    const { disks, result } = await receiveIntoMemory({
      url,
      mostBytes: MOST_BYTES,
      onEvent(event) {
        if (event.type === "progress") output.value = `${event.progress.covered} of ${event.progress.total} bytes`;
      },
    });
    const lines = [`committed${result.verified ? ", read back and found equal" : ""}`];
    for (const [name, device] of disks) lines.push(`${name}: ${device.size} bytes, SHA-256 ${await sha256Of(device)}`);
    return lines.join("\n");
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const url = new FormData(form).get("url");
    if (typeof url !== "string") return;
    output.value = "waiting for the sender";
    const tell = (text: string): void => {
      output.value = text;
    };
    receive(url).then(tell, (error: unknown) => tell(String(error)));
  });
}

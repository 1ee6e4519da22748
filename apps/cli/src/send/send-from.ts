import { CommandError, messageOf } from "../command-error.ts";
import { type ControlClient, openControl, ServerGone } from "../control/control-client.ts";
import { EXIT } from "../exit-code.ts";
import { aborted } from "../interruption.ts";
import type { Fields } from "../output/json-lines.ts";
import type { Output } from "../output/output.ts";
import type { CommandWorld } from "../run-command.ts";
import { remoteTeller } from "./remote-events.ts";
import type { SendFromOptions } from "./send-from-options.ts";

/** Has a running server move its disks, and tells what it tells. Gives the exit code, or throws what ended it. */
export async function sendFrom({ control, words }: SendFromOptions, { output, signal }: CommandWorld): Promise<number> {
  const client = await openControl(control);
  const over = new AbortController();
  try {
    if (signal.aborted) throw new CommandError("cancelled", "cancelled: nothing was asked for");
    const moving = client.ask({ do: "send", ...words }, remoteTeller(output));
    void aborted(signal, over.signal).then(() => cancel(client));
    const answer = await moving;
    output.endProgress();
    if (answer.type === "result") return tellCompleted(answer.result, output);
    output.ended(answer.ending);
    return answer.ending.exitCode;
  } catch (error) {
    if (!(error instanceof ServerGone)) throw error;
    const message = `${messageOf(error)}; the migration goes on there, if the server does: blkmig status --control ${control} shows it`;
    output.ended({ exitCode: EXIT.failed, event: "failed", code: "wire", message });
    return EXIT.failed;
  } finally {
    over.abort();
    client.close();
  }
}

/** How the migration ended is its own answer, whatever this one is. */
function cancel(client: ControlClient): void {
  client.ask({ do: "cancel" }).catch(() => {});
}

function tellCompleted(completed: Fields, output: Output): number {
  output.event("completed", completed);
  return EXIT.ok;
}

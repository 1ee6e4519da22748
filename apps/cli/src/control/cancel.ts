import * as v from "valibot";

import { EXIT } from "../exit-code.ts";
import type { CommandWorld } from "../run-command.ts";
import { askServer } from "./control-client.ts";

const END = v.object({ ended: v.string(), message: v.exactOptional(v.string()) });

/** Cancels what runs at the server. Gives the exit code. */
export async function cancel(control: string, { output }: CommandWorld): Promise<number> {
  const answer = await askServer(control, { do: "cancel" });
  if (answer.type === "error") {
    output.ended(answer.ending);
    return answer.ending.exitCode;
  }
  const { ended, message } = v.parse(END, answer.result);
  output.say(message === undefined ? `too late: ${ended}` : message);
  output.event("ended", { ended, message });
  if (ended === "cancelled") return EXIT.ok;
  return ended === "in-doubt" ? EXIT.inDoubt : EXIT.failed;
}

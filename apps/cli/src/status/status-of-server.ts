import { askServer } from "../control/control-client.ts";
import { EXIT } from "../exit-code.ts";
import type { CommandWorld } from "../run-command.ts";
import { describeServer } from "./describe-server.ts";

/** Says what a running server does. Gives the exit code. */
export async function statusOfServer(control: string, { output }: CommandWorld): Promise<number> {
  const answer = await askServer(control, { do: "status" });
  if (answer.type === "error") {
    output.ended(answer.ending);
    return answer.ending.exitCode;
  }
  for (const line of describeServer(answer.result)) output.say(line);
  output.event("control", answer.result);
  return EXIT.ok;
}

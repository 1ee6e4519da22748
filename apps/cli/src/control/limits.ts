import { EXIT } from "../exit-code.ts";
import type { CommandWorld } from "../run-command.ts";
import { askServer } from "./control-client.ts";
import { parseControl } from "./parse-control.ts";
import { parseLimits } from "./parse-limits.ts";

/** What commander makes of `blkmig limits …`. */
export interface LimitsFlags {
  readonly control: string;
  readonly maxBandwidth?: string;
  readonly downtimeLimit?: string;
  readonly json: boolean;
}

/** Sets limits of the migration that runs at the server. Gives the exit code. */
export async function limits(flags: LimitsFlags, { output }: CommandWorld): Promise<number> {
  const { maxBandwidth, downtimeLimit } = flags;
  const words = {
    ...(maxBandwidth === undefined ? {} : { "max-bandwidth": maxBandwidth }),
    ...(downtimeLimit === undefined ? {} : { "downtime-limit": downtimeLimit }),
  };
  const control = parseControl(flags.control, "--control");
  parseLimits(words); // what is no limit is told of here, whether anybody is there or not
  const answer = await askServer(control, { do: "limits", ...words });
  if (answer.type === "error") {
    output.ended(answer.ending);
    return answer.ending.exitCode;
  }
  output.say("the migration that runs has these limits now");
  output.event("limits", answer.result);
  return EXIT.ok;
}

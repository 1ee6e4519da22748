import type { MoveResult } from "../live/live-contract.ts";
import type { Fields } from "../output/json-lines.ts";
import { completedFields, describeEnd } from "../send/describe-statistics.ts";
import type { Told } from "../send/tell-events.ts";

/** Tells people on both sides, and the server's reader; gives what the client is answered: the fields of `completed`. */
export function tellMoved(result: MoveResult, tolds: { readonly output: Told; readonly client: Told }): Fields {
  const { proved, downtime, migration, after, serve } = result;
  const statistics = { ...result.statistics, downtime };
  for (const told of [tolds.output, tolds.client]) {
    for (const line of [...describeEnd(statistics), describeAfter(result)]) told.say(line);
  }
  const completed = { ...completedFields(statistics, proved), migration, after, serve };
  tolds.output.event("completed", completed);
  return completed;
}

function describeAfter({ after, serve }: MoveResult): string {
  const moved = "each disk is marked as moved";
  switch (after) {
    case "forward":
      return `${moved}; its clients are passed on${serve === undefined ? "" : ` to ${serve}`}`;
    case "close":
      return `${moved}; its clients were hung up on${serve === undefined ? "" : `, and it is served at ${serve}`}`;
    case "hold":
      return `${moved}; its clients are held until this server ends`;
  }
}

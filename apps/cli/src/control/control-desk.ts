import { CommandError } from "../command-error.ts";
import { InDoubt } from "../exit-code-in-doubt.ts";
import { endingOf } from "../exit-code.ts";
import type { LiveServer, MoveOptions, MoveResult } from "../live/live-contract.ts";
import type { Fields } from "../output/json-lines.ts";
import type { Output } from "../output/output.ts";
import { type Told, tellTo } from "../send/tell-events.ts";
import { formatResolveLine } from "../status/resolve-line.ts";
import type { ControlRequest } from "./control-request.ts";
import { type Limits, parseLimits } from "./parse-limits.ts";
import { parseMove } from "./parse-move.ts";
import { liveStatusFields } from "./status-fields.ts";
import { tellMoved } from "./tell-moved.ts";

const PROTOCOL = 1;

/** Does what clients of the control socket ask for. */
export interface ControlDesk {
  /** Gives the result; throws why there is none. `client` is told what happens until then. */
  perform(request: ControlRequest, client: Told): Promise<Fields>;
  /** Begins no more migrations. */
  close(): void;
}

export interface ControlDeskOptions {
  readonly live: LiveServer;
  /** The socket's path. */
  readonly control: string;
  readonly version: string;
  /** Of the server itself, which is told of every migration. */
  readonly output: Output;
  /** Told in a few words what is done now. */
  readonly onStatus: (status: string) => void;
}

type Asked<What extends ControlRequest["do"]> = Extract<ControlRequest, { readonly do: What }>;

export function createControlDesk({ live, control, version, output, onStatus }: ControlDeskOptions): ControlDesk {
  /** Of the migration that runs: settles when it is over, with how. */
  let running: Promise<Fields> | undefined;
  let isClosed = false;

  const move = async (options: MoveOptions, client: Told): Promise<MoveResult> => {
    const [tolds, tells] = [
      [output, client],
      [tellTo(output), tellTo(client)],
    ];
    return live.move(options, {
      onEvent: (event) => tells.forEach((tell) => tell(event)),
      event: (event, fields) => tolds.forEach((told) => told.event(event, fields)),
      say: (message) => tolds.forEach((told) => told.say(message)),
      warn: (message) => tolds.forEach((told) => told.warn(message)),
    });
  };

  const send = async ({ words }: Asked<"send">, client: Told): Promise<Fields> => {
    const options = parseMove(
      words,
      live.status().disks.map(({ name }) => name),
    );
    if (isClosed) throw new CommandError("refused", "the server is ending");
    if (running)
      throw new CommandError(
        "refused",
        "a migration runs already, one at a time: wait for its end, or end it by `blkmig cancel`",
      );
    onStatus(`moving to ${words.to}`);
    const moving = move(options, client).catch((error: unknown) => {
      throw isClosed ? error : resolvableHere(error, control);
    });
    running = moving.then(() => ({ ended: "completed" }), endFields);
    try {
      const result = await moving;
      return tellMoved(result, { output, client });
    } catch (error) {
      output.ended(endingOf(error));
      throw error;
    } finally {
      running = undefined;
      onStatus(`serving ${live.nbd.join(" ")}`);
    }
  };

  return {
    async perform(request, client) {
      switch (request.do) {
        case "status":
          return liveStatusFields(live.status());
        case "send":
          return send(request, client);
        case "cancel":
          if (!running || !live.cancel()) throw new CommandError("refused", "no migration runs");
          return running;
        case "limits":
          return setLimits(live, parseLimits(request.words));
        case "resolve": {
          const { migration, verdict } = request.words;
          await live.resolve(migration, verdict);
          return { migration, state: verdict === "keep" ? "kept" : "moved" };
        }
        case "version":
          return { version, protocol: PROTOCOL };
      }
    },
    close() {
      isClosed = true;
    },
  };
}

/** A server that goes on has the disks: it alone can end a doubt. */
function resolvableHere(error: unknown, control: string): unknown {
  if (!(error instanceof InDoubt)) return error;
  const { migration, message } = error;
  const commands = (["keep", "gone"] as const).map((verdict) =>
    formatResolveLine({ role: "source", path: control, verdict, migration, stateDir: undefined }),
  );
  return new InDoubt(migration, commands, message);
}

function endFields(error: unknown): Fields {
  const { event, message } = endingOf(error);
  return { ended: event, message };
}

function setLimits(live: LiveServer, limits: Limits): Fields {
  live.setLimits(limits);
  return { "max-bandwidth": limits.maxBandwidth, "downtime-limit": limits.downtimeLimit };
}

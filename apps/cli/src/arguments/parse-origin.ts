import type { WireUrl } from "@blkmig/transport/url";

import { CommandError } from "../command-error.ts";

/** Whose pages may connect where we listen, by what `--allow-origin` said. */
export function parseOrigins(texts: readonly string[], at: WireUrl, listens: boolean): readonly string[] {
  const hasOrigins = at.kind === "ws" || at.kind === "wss";
  if (texts.length === 0 || (hasOrigins && listens)) return texts.map(parseOrigin);
  throw new CommandError("usage", "--allow-origin is for listening at ws: and wss:");
}

function parseOrigin(text: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : undefined;
  if (origin === text) return text;
  throw new CommandError("usage", `--allow-origin: '${text}' is no origin such as https://panel.example`);
}

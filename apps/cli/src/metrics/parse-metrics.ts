import { isLocal } from "@blkmig/transport/url";

import { CommandError } from "../command-error.ts";

/** Where metrics are told. */
export type MetricsPlace =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

const PORT = 9469;

/** `--metrics`: `http://host:port/metrics`, `unix:///path`. Refuses clear text that leaves this machine unasked. */
export function parseMetrics(text: string, { insecure }: { readonly insecure: boolean }): MetricsPlace {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "unix:" && url.host === "" && url.pathname.length > 1) {
    return { kind: "unix", path: decodeURIComponent(url.pathname) };
  }
  const isWhole = url?.protocol === "http:" && ["/", "/metrics"].includes(url.pathname);
  if (!url || !isWhole || `${url.search}${url.hash}${url.username}${url.password}` !== "") {
    throw new CommandError("usage", `--metrics: '${text}' is neither http://host:port/metrics nor unix:///path`);
  }
  const host = url.hostname.replaceAll(/^\[|\]$/g, "");
  const port = Number(url.port || (/:0*80(\/|$)/.test(text) ? 80 : PORT)); // 80 is left out by URL
  if (insecure || isLocal({ kind: "tcp", host, port })) return { kind: "tcp", host, port };
  const why = "is in clear text and not only on this machine: anybody who reaches it could read what is moved";
  throw new CommandError("refused", `--metrics ${text} ${why}; say --insecure to allow it`);
}

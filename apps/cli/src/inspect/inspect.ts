import { ProtocolError } from "@blkmig/protocol";

import { CommandError } from "../command-error.ts";
import { EXIT } from "../exit-code.ts";
import { formatEvent } from "../output/json-lines.ts";
import type { CommandWorld } from "../run-command.ts";
import { createBlockReport } from "./block-report.ts";
import { openStream } from "./open-stream.ts";
import { createPage, type Page } from "./page.ts";
import type { Ending, ReportSummary } from "./report.ts";
import { createSessionReport } from "./session-report.ts";

export interface InspectOptions {
  readonly stream: string;
  /** Counts alone. */
  readonly summary: boolean;
  readonly json: boolean;
}

/** Prints a stream, frame by frame or counted; gives the exit code, or throws where it is none, after what came before. */
export async function inspect(options: InspectOptions, { output, signal }: CommandWorld): Promise<number> {
  const stream = openStream(options.stream, signal);
  const page = createPage(process.stdout);
  const begun = await stream.begin();
  const report = begun.is === "session" ? createSessionReport(begun) : createBlockReport(begun);
  try {
    for await (const line of report.lines) {
      if (!options.summary) await page.line(options.json ? formatLine("frame", line.fields()) : line.text());
      if (page.closed) return EXIT.ok;
    }
  } catch (error) {
    if (options.summary) await tellSummary(page, report.summary(stream.bytes, endingOf(error)), options);
    await page.flush();
    throw error instanceof ProtocolError ? new CommandError("not-a-stream", error.message, { cause: error }) : error;
  }
  await tellSummary(page, report.summary(stream.bytes, "clean"), options);
  await page.flush();
  output.event("completed", { transferred: stream.bytes });
  return EXIT.ok;
}

async function tellSummary(
  page: Page,
  { lines, ended, fields }: ReportSummary,
  options: InspectOptions,
): Promise<void> {
  if (options.json) return page.line(formatLine("summary", fields));
  for (const line of options.summary ? lines : [ended]) await page.line(line);
}

function formatLine(...event: Parameters<typeof formatEvent>): string {
  return formatEvent(...event).trimEnd();
}

function endingOf(error: unknown): Ending {
  if (!(error instanceof ProtocolError)) return "unread";
  return error.code === "truncated" ? "cut" : "damaged";
}

import { ProtocolError } from "@blkmig/protocol";

import { CommandError } from "../command-error.ts";
import { EXIT } from "../exit-code.ts";
import { formatEvent } from "../output/json-lines.ts";
import type { CommandWorld } from "../run-command.ts";
import { describeEnding, describeItem, describeSummary, summaryFields } from "./describe-item.ts";
import type { Item } from "./item.ts";
import { joinEmptyParts } from "./join-empty-parts.ts";
import { joinFrames } from "./join-frames.ts";
import { tellMachine } from "./machine-devices.ts";
import { openStream } from "./open-stream.ts";
import { createPage, type Page } from "./page.ts";
import { readFrames } from "./read-frames.ts";
import { createSummary, type Summary } from "./summary.ts";

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
  const summary = createSummary();
  try {
    for await (const item of joinFrames(joinEmptyParts(tellMachine(readFrames(stream.chunks))))) {
      summary.add(item);
      if (!options.summary) await page.line(formatItem(item, options));
      if (page.closed) return EXIT.ok;
    }
  } catch (error) {
    if (options.summary) await tellSummary(page, summary.result(), stream.bytes, options);
    await page.flush();
    throw error instanceof ProtocolError ? new CommandError("not-a-stream", error.message, { cause: error }) : error;
  }
  await tellSummary(page, summary.result(), stream.bytes, options);
  await page.flush();
  output.event("completed", { transferred: stream.bytes });
  return EXIT.ok;
}

function formatItem(item: Item, { json }: InspectOptions): string {
  if (!json) return describeItem(item);
  return formatEvent("frame", { ...item }).trimEnd();
}

async function tellSummary(page: Page, summary: Summary, bytes: number, options: InspectOptions): Promise<void> {
  if (options.json) return page.line(formatEvent("summary", summaryFields(summary, bytes)).trimEnd());
  const lines = options.summary ? describeSummary(summary, bytes) : [describeEnding(summary)];
  for (const line of lines) await page.line(line);
}

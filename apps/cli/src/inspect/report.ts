import type { Fields } from "../output/json-lines.ts";

/** What a stream of one kind is shown as, while it is read. */
export interface Report {
  /** What is worth a line, in the stream's order; each is counted when it comes. */
  readonly lines: AsyncIterable<ReportLine>;
  /** What was counted so far. `bytes` is how many have come, `ending` how they end. */
  summary(bytes: number, ending: Ending): ReportSummary;
}

export interface ReportLine {
  /** For people. */
  text(): string;
  /** For scripts. */
  fields(): Fields;
}

export interface ReportSummary {
  /** For people, the last of them on how it ended. */
  readonly lines: readonly string[];
  /** That last line. */
  readonly ended: string;
  /** For scripts. */
  readonly fields: Fields;
}

/** Whether reading stopped between two frames, inside one, at bytes that are none, or because no more could be read. */
export type Ending = "clean" | "cut" | "damaged" | "unread";

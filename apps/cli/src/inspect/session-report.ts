import { atPosition } from "./at-position.ts";
import { describeSessionItem } from "./describe-session-item.ts";
import { describeSession, describeSessionEnding, sessionFields } from "./describe-session.ts";
import type { BegunStream } from "./open-stream.ts";
import { readSession } from "./read-session.ts";
import type { Report, ReportLine } from "./report.ts";
import { createSessionSummary } from "./session-summary.ts";

/** Of one direction of a session. */
export function createSessionReport({ chunks }: BegunStream): Report {
  const summary = createSessionSummary();
  const lines = async function* lines(): AsyncGenerator<ReportLine> {
    for await (const item of readSession(chunks)) {
      summary.add(item);
      yield { text: () => atPosition(item.position, describeSessionItem(item)), fields: () => ({ ...item }) };
    }
  };
  return {
    lines: lines(),
    summary(bytes, ending) {
      const all = summary.result();
      const ended = describeSessionEnding(all, ending);
      return { lines: [...describeSession(all, bytes), ended], ended, fields: sessionFields(all, bytes, ending) };
    },
  };
}

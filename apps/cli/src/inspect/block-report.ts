import { describeEnding, describeItem, describeSummary, summaryFields } from "./describe-item.ts";
import { joinEmptyParts } from "./join-empty-parts.ts";
import { joinFrames } from "./join-frames.ts";
import { tellMachine } from "./machine-devices.ts";
import type { BegunStream } from "./open-stream.ts";
import { readFrames } from "./read-frames.ts";
import type { Report, ReportLine } from "./report.ts";
import { createSummary } from "./summary.ts";

/** Of a classic stream, bare or in QEMU's envelope. */
export function createBlockReport(stream: BegunStream): Report {
  const summary = createSummary();
  const lines = async function* lines(): AsyncGenerator<ReportLine> {
    for await (const item of joinFrames(joinEmptyParts(tellMachine(readFrames(stream))))) {
      summary.add(item);
      yield { text: () => describeItem(item), fields: () => ({ ...item }) };
    }
  };
  return {
    lines: lines(),
    summary(bytes) {
      const all = summary.result();
      return { lines: describeSummary(all, bytes), ended: describeEnding(all), fields: summaryFields(all, bytes) };
    },
  };
}

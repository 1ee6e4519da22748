import type { DiskRecord } from "./record.ts";

/** The migration that brought a disk here, also if it has been sent on since; undefined if none did. */
export function whatBrought(record: DiskRecord | undefined): string | undefined {
  return record?.role === "target" ? record.migration : record?.brought;
}

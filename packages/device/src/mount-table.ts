/** A line of /proc/self/mountinfo. */
export interface Mount {
  readonly id: string;
  /** "major:minor" of the file system. */
  readonly device: string;
  readonly path: string;
  /** What was mounted: the path of a device, or a mere word. */
  readonly from: string;
  /** The file system is read-only, not only this view of it. */
  readonly readOnly: boolean;
}

/** The lines of /proc/self/mountinfo: `id parent device root path options [optional …] - type from superoptions`. */
export function parseMounts(text: string): Mount[] {
  return text
    .split("\n")
    .filter((line) => line.includes(" - "))
    .map((line) => {
      const [before = "", after = ""] = line.split(" - ");
      const [id = "", , device = "", , path = ""] = before.split(" ");
      const [, from = "", options = ""] = after.split(" ");
      return { id, device, path: unescaped(path), from: unescaped(from), readOnly: options.split(",").includes("ro") };
    });
}

/** Spaces, tabs, line ends and backslashes are written as three octal digits. */
export function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

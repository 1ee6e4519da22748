/** What to do where a file system or a disk had no room, in the words that end a sentence; empty where that was not it. */
export function adviseRoom(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (code !== undefined && FULL.has(code))
      return "; make room there, then start both ends again (a session: with --resume)";
  }
  return "";
}

/** The system's names, and a `DeviceError`'s: of a disk behind NBD there is no other. */
const FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "no-space"]);

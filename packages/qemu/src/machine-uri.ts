const ANSWERING = ["tcp:", "unix:", "vsock:"];

/** Throws `TypeError` for what QEMU could migrate to, but not be answered over: `exec:`, `fd:`, `file:` and the like. */
export function assertMigrateUri(uri: string): void {
  if (ANSWERING.some((scheme) => uri.startsWith(scheme))) return;
  throw new TypeError(
    `migrate to '${uri}': the destination must be able to answer, so this has to begin with ${ANSWERING.join(", ")}`,
  );
}

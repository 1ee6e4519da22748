import { MigrationError } from "@blkmig/source";

const HINT = "QEMU's own output says why; it ends when it has no -drive of that id, attached to a device, for a disk";

/** A QEMU that refuses goes away without a word on the wire: says where to look. Other errors stay what they are. */
export function explainQemu(error: unknown): unknown {
  if (!(error instanceof MigrationError) || !["refused", "wire"].includes(error.code)) return error;
  const { code, message, phase, pending, guest, cause } = error;
  return new MigrationError(code, `${message} (${HINT})`, { phase, pending, guest }, { cause });
}

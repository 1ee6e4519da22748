/** Why something that was wanted of a QEMU did not come about. */
export type QemuErrorCode =
  | "busy" // a block job, an NBD server that runs already, a migration: somebody else is at work
  | "changed" // it is no longer what was looked at: another root node, another size, a guest that runs though we stopped it
  | "gone" // the monitor closed or cannot be reached: `cause` is the wire's error
  | "migration" // QEMU's own migration failed, was cancelled, or did not answer
  | "no-qmp" // whoever answers speaks no QMP
  | "not-supported" // this QEMU, or this way of starting it, lacks something that is needed
  | "refused" // QEMU said no to a command: `qemuClass` and QEMU's own words
  | "timeout" // no answer in time: whether the command was carried out is not known
  | "unknown-disk"
  | "unfit"; // a disk that cannot be moved

/** A QEMU failed us, or cannot do what is wanted. `url` says which monitor. */
export class QemuError extends Error {
  override readonly name = "QemuError";
  readonly code: QemuErrorCode;
  readonly url: string;
  /** The class of QEMU's error, such as `GenericError` or `CommandNotFound`. */
  readonly qemuClass: string | undefined;

  constructor(
    code: QemuErrorCode,
    url: string,
    what: string,
    options?: ErrorOptions & { readonly qemuClass?: string },
  ) {
    super(`${url}: ${what}`, options);
    this.code = code;
    this.url = url;
    this.qemuClass = options?.qemuClass;
  }
}

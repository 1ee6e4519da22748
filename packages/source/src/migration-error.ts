/** Why a migration ended without a commit. */
export type MigrationErrorCode =
  | "cancelled" // by its signal, before the point of no return: the guest runs on
  | "changed" // a disk without tracking changed while it was sent
  | "device" // a disk could not be read or tracked: `cause` is a DeviceError
  | "guest" // the guest would not pause
  | "in-doubt" // the last frame may have arrived, and no answer came: the guest stays paused
  | "journal" // what must survive a crash could not be recorded
  | "mismatch" // the sink reads back what it was not sent
  | "refused" // the sink said no
  | "wire"; // the wire broke: `cause` says how

/** A migration ended without a commit. `guest` says how its guest was left. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
  readonly code: MigrationErrorCode;
  /** In which phase it ended. */
  readonly phase: MigrationPhase;
  /** Bytes of disk that were still to be sent. */
  readonly pending: number;
  /** `running`: as before. `paused`: in doubt, on purpose. `lost`: it would not resume; a warning said why. */
  readonly guest: "running" | "paused" | "lost";

  constructor(
    code: MigrationErrorCode,
    message: string,
    where: { readonly phase: MigrationPhase; readonly pending: number; readonly guest: "running" | "paused" | "lost" },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.phase = where.phase;
    this.pending = where.pending;
    this.guest = where.guest;
  }
}

/** Where a migration is: bulk is the first sweep, dirty the sweeps after it, switchover while the guest is paused. */
export type MigrationPhase = "setup" | "bulk" | "dirty" | "switchover";

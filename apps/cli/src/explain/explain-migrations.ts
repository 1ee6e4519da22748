import type { LoadErrorCode } from "@blkmig/sink";
import type { MigrationErrorCode } from "@blkmig/source";

import type { Explained, Explanation } from "./explanation.ts";

const RESUME = "start both ends again with --resume: what has arrived is kept.";

const MIGRATION: Readonly<Record<MigrationErrorCode, Explanation>> = {
  cancelled: {
    cause: "SIGINT, SIGTERM or `blkmig cancel` ended it before commit was asked for.",
    remedy: `Nothing needs to be done; to go on, ${RESUME}`,
    left: "The source is as the guest left it; a target that was written to is marked as incomplete.",
    exit: "130",
  },
  changed: {
    cause: "A disk without tracking changed while it was sent, so that the copy is of no moment.",
    remedy: "Stop whatever writes it, or move it live: `blkmig serve` with send --from, or send --qmp.",
    left: "The source is as whoever writes it has left it; the target is marked as incomplete.",
  },
  device: {
    cause: "A disk could not be read or tracked; the cause is a `DeviceError`, an `NbdError` or a `QemuError`.",
    remedy: `Mend what the message names, then ${RESUME}`,
  },
  guest: { cause: "The guest would not pause.", remedy: "See what keeps it busy, and try again." },
  "in-doubt": {
    cause: "Commit was asked for, and no answer came: the receiver may own the disk now. The guest stays paused.",
    remedy:
      "Start both ends again with --resume: they find out. If one is lost for good, look at `blkmig status` and say the same at both ends with `blkmig resolve`.",
    exit: "4",
  },
  journal: {
    cause: "What must survive a crash could not be recorded.",
    remedy: "Make room and give permission beside the disk, or say another place with --state-dir.",
    left: "The record is the one before, or the new one, never half of one; nothing was committed.",
    exit: "3 during setup, else 1",
  },
  mismatch: {
    cause: "The receiver reads back something else than it was sent.",
    remedy: "Do not trust that disk or its host's memory: check them, then send to another target.",
    left: "The source is intact and nothing was committed; the target has blocks that are wrong.",
  },
  refused: {
    cause: "The receiver said no; the message has its reason.",
    remedy: "Read what the receiver says: often a target needs --create, --resume or a --force.",
    exit: "3 during setup, else 1",
  },
  wire: {
    cause: "The wire broke, and did not come back within --reconnect-for.",
    remedy: `Mend the network, then ${RESUME}`,
    left: "What has arrived of a session stays at the target, marked as incomplete; of an older wire it must be sent again.",
    exit: "3 during setup, else 1",
  },
};

const LOAD: Readonly<Record<LoadErrorCode, Explanation>> = {
  "beyond-the-end": {
    cause: "A block came that the target has no room for.",
    remedy: "Make the target as large as the source: `blkmig inspect --summary` says how far a stream goes.",
    left: "That block was not written; those before it were.",
  },
  cancelled: {
    cause: "SIGINT or SIGTERM ended the receiver before it had answered.",
    remedy: `To go on, ${RESUME}`,
    exit: "130",
  },
  "cancelled-by-source": {
    cause: "The sender gave up, and said so.",
    remedy: `See what the sender says; to go on, ${RESUME}`,
  },
  device: {
    cause: "A target could not be written or flushed; the cause is a `DeviceError`.",
    remedy: `Mend what the message names, then ${RESUME}`,
  },
  "in-doubt": {
    cause: "Everything is here, and whether the sender let go of the disk is not known.",
    remedy:
      "Start both ends again with --resume: they find out. If the sender is lost for good, look at `blkmig status` and say the same at both ends with `blkmig resolve`.",
    left: "Everything has arrived and is flushed; the target is neither to be used nor to be overwritten until it is decided.",
    exit: "4",
  },
  incomplete: {
    cause: "The stream ended, and blocks or its last frames are missing.",
    remedy:
      "Send it again, whole; with --incremental the base must be on the target, and that must be said on both sides.",
    left: "What came was written.",
  },
  journal: {
    cause: "A session's record could not be written.",
    remedy: "Make room and give permission beside the target, or say another place with --state-dir.",
  },
  machine: {
    cause: "A QEMU's machine state could not be kept.",
    remedy: "Look at the file of --vm-state: its folder, its permission, its room.",
  },
  protocol: {
    cause: "The peer sent bytes that are no stream; the cause is a `ProtocolError`.",
    remedy:
      "Make sure that a sender that blkmig knows is at the other end; `blkmig inspect` shows a stream that was kept.",
    left: "What came before was written; nothing of the offending frame was.",
  },
  "read-only": { cause: "A target cannot be written.", remedy: "Make it writable, or choose another." },
  refused: {
    cause: "The targets that the sender asks for could not be opened, or the switchover not be prepared.",
    remedy: "Do what the message says: --create, --resume, --size, or the --force that it names.",
  },
  trailing: {
    cause: "Frames came after the last one.",
    remedy: "Make sure that the stream's file holds one stream alone.",
    left: "All that came before was written, and the target is marked as incomplete.",
  },
  "unknown-device": {
    cause: "The sender has a disk of a name that no --disk here has.",
    remedy: "Use the same names at both ends.",
    left: "Nothing was written for that disk; of a classic stream, what came before for others was.",
  },
  wire: { cause: "The wire broke; the cause says how.", remedy: `Mend the network, then ${RESUME}` },
};

export const MIGRATIONS_EXPLAINED: readonly Explained[] = [
  {
    title: "MigrationError: a sender",
    left: "The source is intact and its guest runs, but for `in-doubt`. Exit code 1, 3 where the code says so, 6 if the guest could not be resumed (`guest: lost`).",
    codes: MIGRATION,
  },
  {
    title: "LoadError: a receiver",
    left: "Exit code 3 if no byte of a target was written (`touched: false`), else 1: then the targets are marked as incomplete. The source is intact.",
    codes: LOAD,
  },
];

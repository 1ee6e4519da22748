import type { DeviceErrorCode } from "@blkmig/device";
import type { JournalErrorCode } from "@blkmig/journal";
import type { QemuErrorCode } from "@blkmig/qemu";

import type { Explained, Explanation } from "./explanation.ts";

const DEVICE: Readonly<Record<DeviceErrorCode, Explanation>> = {
  closed: {
    cause: "A disk was used after it had been closed.",
    remedy: "In a program that uses the packages: close it last. From blkmig itself it is a bug; please report it.",
  },
  "in-use": {
    cause: "Another process holds the disk; the message says by which lock.",
    remedy: "End that process. Where it is known to leave the disk alone, --force in-use.",
  },
  io: {
    cause: "The operating system refused to read or write; the message has its words.",
    remedy: "Look at the kernel's log: the disk under it may be failing.",
    left: "What was written before is on the disk, and of this request some may be.",
  },
  "no-space": {
    cause: "The file system under a target is full.",
    remedy: "Make room, then go on with --resume on both sides.",
    left: "What was written before is on the target, and is marked as incomplete.",
  },
  "not-a-disk": {
    cause: "The path is a folder, a character device or a socket.",
    remedy: "Say a regular file, a block device or an NBD address.",
  },
  "not-found": {
    cause: "There is nothing at that path.",
    remedy: "Look at the path; `receive --create` makes a missing target.",
    left: "Nothing was written.",
  },
  "not-permitted": {
    cause: "This user may not open the disk so.",
    remedy: "Run as a user who may, or change the permissions of the file or device.",
  },
  "not-supported": {
    cause: "The disk cannot do what was asked of it, such as punching a hole; nothing was changed.",
    remedy: "Use a disk or a file system that can, or leave out the option that asks for it.",
  },
  "read-only": {
    cause: "The disk was opened for reading, or is write-protected.",
    remedy: "Make it writable (`blockdev --setrw`), or choose another target.",
  },
  short: {
    cause: "The disk ended before its size: it was truncated meanwhile.",
    remedy: "Find what truncates it, and send it again.",
  },
};

const JOURNAL: Readonly<Record<JournalErrorCode, Explanation>> = {
  damaged: {
    cause: "The record beside the disk is none of blkmig's, or half of one.",
    remedy:
      "See what `blkmig status` says of both ends. Only when it is sure that no migration is open, move the record away.",
    left: "Neither the record nor the disk is touched.",
  },
  io: {
    cause: "The record could not be read, or written durably.",
    remedy: "Make room and give permission in the disk's folder, or say another place with --state-dir.",
    left: "The record is the old one, or the new one, never half of one.",
  },
  newer: {
    cause: "A later blkmig wrote the record.",
    remedy: "Use that version, or a later one.",
    left: "Neither the record nor the disk is touched.",
  },
  "not-in-doubt": {
    cause: "`blkmig resolve` was told to end a migration that is not in doubt.",
    remedy: "Nothing needs to be done; `blkmig status` says what the disk is.",
  },
  "other-migration": {
    cause: "The record is of another migration than was said.",
    remedy: "Say the ID that `blkmig status` prints, or finish that migration first.",
  },
};

const QEMU: Readonly<Record<QemuErrorCode, Explanation>> = {
  busy: {
    cause: "Somebody else is at work in that QEMU: a block job, an NBD server, a migration.",
    remedy: "Let it end, or end it; `blkmig status --qmp URL --clean` ends what a crashed run left.",
  },
  changed: {
    cause:
      "It is no longer what was looked at: another root node, another size, or a guest that runs though it was stopped.",
    remedy: "Leave the machine alone meanwhile, and start again.",
  },
  gone: {
    cause: "The monitor closed or cannot be reached.",
    remedy:
      "See if QEMU lives, and that its monitor waits (-qmp unix:PATH,server=on,wait=off); a monitor serves one program at a time.",
    left: "If QEMU lives, bitmaps and exports of blkmig's may be left in it; its watchdog, or `blkmig status --qmp URL --clean`, removes them.",
  },
  migration: {
    cause: "QEMU's own migration failed, was cancelled, or did not answer.",
    remedy: "Read what both QEMUs say; the machine there must be started alike, with -S and -incoming.",
  },
  "no-qmp": {
    cause: "Whoever answers at that address speaks no QMP.",
    remedy: "Say the QMP monitor (-qmp), not the human one (-monitor) nor a console.",
    left: "No command was given.",
  },
  "not-supported": {
    cause: "This QEMU, or the way in which it was started, lacks something that is needed.",
    remedy: "Use QEMU 5.2 or later; the message says what is missing.",
  },
  refused: {
    cause: "QEMU said no to a command; the message has its own words.",
    remedy: "Do what QEMU's words ask for.",
  },
  timeout: {
    cause: "QEMU did not answer in time: whether the command was carried out is not known.",
    remedy: "See if its host is overloaded; `blkmig status --qmp URL` says how things are.",
    left: "Bitmaps and exports of blkmig's may be left in it: `blkmig status --qmp URL --clean` removes them.",
  },
  "unknown-disk": {
    cause: "That QEMU has no disk of that id.",
    remedy: "`blkmig status --qmp URL` lists its disks with all their ids.",
    left: "Nothing was changed in QEMU.",
  },
  unfit: {
    cause: "The disk cannot be moved: it is read-only, empty, or of a kind that has no dirty bitmap.",
    remedy: "Name with --disk those that can be; `blkmig status --qmp URL` says which, and why not.",
    left: "Nothing was changed in QEMU.",
  },
};

const BEFORE =
  "Exit code 3 before the first byte of a target is written; later it is the `cause` of a `MigrationError` or a `LoadError`, which say how it ended.";

export const DISKS_EXPLAINED: readonly Explained[] = [
  { title: "DeviceError: a disk", left: `${BEFORE} The source is as it was.`, codes: DEVICE },
  {
    title: "JournalError: a record",
    left: `${BEFORE} The program says it as the code \`journal\`; the record is left as it is.`,
    codes: JOURNAL,
  },
  {
    title: "QemuError: a running QEMU",
    left: `${BEFORE} The guest runs on, unless the exit code is 4 or 6.`,
    codes: QEMU,
  },
];

import type { DANGERS } from "../arguments/parse-dangers.ts";
import type { CommandErrorCode } from "../command-error.ts";
import type { Explained, Explanation } from "./explanation.ts";

type Danger = (typeof DANGERS)[keyof typeof DANGERS][number];

const COMMAND: Readonly<Record<CommandErrorCode | "bug", Explanation>> = {
  bug: {
    cause: "Something failed in a way that blkmig does not know.",
    remedy: "Please report it, with what BLKMIG_DEBUG=1 shows.",
    left: "What is left is not known from this alone: `blkmig status` says what each disk is.",
    exit: "1",
  },
  cancelled: {
    cause: "SIGINT or SIGTERM came before anything was written.",
    remedy: "Nothing needs to be done.",
    exit: "130",
  },
  "guest-lost": {
    cause: "The guest runs nowhere: its monitor is gone, or it would not go on.",
    remedy: "Say `cont` at the monitor that the message names, and at no other.",
    left: "The disks are whole: at the source where nothing was committed, else at the target.",
    exit: "6",
  },
  "not-a-stream": {
    cause: "The bytes begin as no stream does that blkmig knows.",
    remedy: "Look at what was given: `blkmig inspect` takes sessions, classic streams and QEMU's.",
    exit: "3",
  },
  "not-comparable": {
    cause: "`blkmig verify` could not read both disks to their ends.",
    remedy: "Mend what the message names; nothing is said of whether they are equal.",
    left: "Both disks are as they were: they are only read.",
    exit: "5",
  },
  refused: {
    cause: "It could be done, and should not be: the message names the danger.",
    remedy: "Take the danger away, or take it on by the --force or --insecure that the message names.",
    exit: "3",
  },
  usage: {
    cause: "The command line does not say what to do.",
    remedy: "`blkmig help COMMAND` has the options and examples.",
    exit: "2",
  },
};

const DANGER: Readonly<Record<Danger, Explanation>> = {
  filesystem: {
    cause: "A target holds a file system, a partition table, LVM, LUKS or swap.",
    remedy: "Choose another target; --force filesystem overwrites what it holds.",
  },
  "in-use": {
    cause: "Another process has the disk open and locked.",
    remedy: "End it; --force in-use goes on beside it, and a writer then spoils the copy.",
  },
  incomplete: {
    cause: "The disk is the unfinished target of a migration.",
    remedy: "Finish that one with --resume; --force incomplete gives up what it has brought.",
  },
  mounted: {
    cause: "The disk is mounted here.",
    remedy:
      "Unmount it; --force mounted reads or writes under the file system, which then is damaged or is copied half-way.",
  },
  moved: {
    cause: "The disk's owner is elsewhere: what is here is the past.",
    remedy: "Use the disk where it is; --force moved sends the old copy all the same.",
  },
  "sector-size": {
    cause: "A target block device counts in other sectors than the disk.",
    remedy:
      "Choose one with the same; --force sector-size copies bytes, and partition tables then may not be understood.",
  },
};

export const PROGRAM_EXPLAINED: readonly Explained[] = [
  { title: "The program itself", left: "No byte of a target was written, but for `bug`.", codes: COMMAND },
  {
    title: "Dangers, refused unless `--force` names them",
    left: "Exit code 3, as `refused`: nothing was written.",
    codes: DANGER,
  },
];

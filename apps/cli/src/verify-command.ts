import type { DocumentedCommand } from "./help/documented-command.ts";
import { runCommand } from "./run-command.ts";

const HELP = `
Each is a file, a block device, or a disk behind NBD: nbd://host:port/export, nbd+unix:///export?socket=/path,
nbds: encrypted. Both are opened read-only. Where both are known to be zero nothing is read. A disk that a
migration has not finished is named in a warning.

Examples:
  blkmig verify vm.img /dev/vg/vm
  blkmig verify --json a.img b.img
  blkmig verify vm.img nbd://127.0.0.1:10809/vm

Exit codes: 0 equal, 1 different (sizes, or bytes: the first difference is named), 2 usage, 3 refused
(clear text to another machine), 5 could not compare.`;

export function verifyCommand(program: DocumentedCommand): void {
  program
    .command("verify")
    .summary("compare two disks; the first difference by offset")
    .description("Compares two disks, byte for byte.")
    .argument("<a>", "a file, a block device, or a disk behind NBD")
    .argument("<b>", "another")
    .option("--insecure", "allow NBD in clear text to another machine", false)
    .option("--json", "print events, one JSON object a line, on stdout", false)
    .explains(HELP)
    .action((a: string, b: string, { json, insecure }: { json: boolean; insecure: boolean }) =>
      runCommand({ json }, async (world) => {
        const { verify } = await import("./verify/verify.ts");
        return verify([a, b], { insecure }, world);
      }),
    );
}

import type { DocumentedCommand } from "./help/documented-command.ts";
import { helpWidth } from "./help/screen-width.ts";
import { runCommand } from "./run-command.ts";

const HELP = `
The code is what --json has as "code" in its last event, a danger of --force, or the number that the program has ended with.
Where one can come from several places all of them are told.

Examples:
  blkmig explain in-doubt
  blkmig explain filesystem
  blkmig explain 4

Exit codes: 0 told, 2 usage.`;

export function explainCommand(program: DocumentedCommand): void {
  program
    .command("explain")
    .summary("what the code of an error means, and what to do")
    .description("Says when an error comes, what it leaves as it was, and what to do.")
    .argument("<code>", "such as in-doubt, or an exit code")
    .explains(HELP)
    .action((code: string) =>
      runCommand({ json: false }, async () => {
        const { explain } = await import("./explain/explain.ts");
        process.stdout.write(`${explain(code, Math.min(100, helpWidth(process.stdout)))}\n`);
        return 0;
      }),
    );
}

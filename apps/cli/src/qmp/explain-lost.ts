import { MigrationError } from "@blkmig/source";

/** A guest that could not be resumed: says how it can be. Other errors stay what they are. */
export function explainLost(error: unknown, url: string): unknown {
  if (!(error instanceof MigrationError) || error.guest !== "lost") return error;
  const { code, message, phase, pending, guest, cause } = error;
  const lost = `${message}; ${howToResume(url)}`;
  return new MigrationError(code, lost, { phase, pending, guest }, { cause });
}

export function howToResume(url: string): string {
  return `the guest may be stopped: \`blkmig status --qmp ${url} --clean\` resumes it, or \`cont\` at its monitor; a watchdog tries, too`;
}

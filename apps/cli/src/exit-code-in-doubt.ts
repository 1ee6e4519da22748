/** Commit was asked for, and its outcome is not known. The message is one sentence. */
export class InDoubt extends Error {
  override readonly name = "InDoubt";
  readonly migration: string;
  /** The commands, as typed in a shell, of which one would end it by hand. */
  readonly commands: readonly string[];

  constructor(migration: string, commands: readonly string[], message: string) {
    super(message);
    this.migration = migration;
    this.commands = commands;
  }
}

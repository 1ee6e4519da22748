/** "completed", or the code of what it ended by. What has no code is thrown: no migration ends like that. */
export async function outcomeOf(run: Promise<unknown>): Promise<string> {
  try {
    await run;
    return "completed";
  } catch (error) {
    if (error instanceof Error && "code" in error) return String(error.code);
    throw error;
  }
}

import type { TaskMeta } from "vitest";

declare module "vitest" {
  interface TaskMeta {
    /** What really befell a run: nothing, if it had ended before. */
    struck?: readonly string[];
    /** How it ended, in a word or two that many runs share. */
    ended?: string;
  }
}

/** What is told of a run besides whether it passed: vitest's report has it, and `pnpm reliability` counts it. */
export function tell(task: { readonly meta: TaskMeta }, run: Required<Pick<TaskMeta, "struck" | "ended">>): void {
  Object.assign(task.meta, run);
}

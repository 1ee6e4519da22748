import { QemuError } from "./qemu-error.ts";
import type { Qmp } from "./qmp-contract.ts";

const CUT = "cut by a test";

/** A monitor that is lost with the answer to the `nth` command that changes something: it was carried out, and nobody hears of it. */
export function cutAfter(qmp: Qmp, nth: number): Qmp {
  let left = nth;
  const cut = new AbortController();
  const lost = new QemuError("gone", qmp.url, CUT);
  return {
    ...qmp,
    ended: cut.signal,
    async execute(command, parameters, options) {
      cut.signal.throwIfAborted();
      const answer = await qmp.execute(command, parameters, options);
      if (command.startsWith("query-")) return answer;
      left -= 1;
      if (left > 0) return answer;
      cut.abort(lost);
      throw lost;
    },
  };
}

/** Whether it came to its end; false for one that was cut. Whatever else fails is thrown. */
export async function wasWhole(settling: Promise<unknown>): Promise<boolean> {
  try {
    await settling;
    return true;
  } catch (error) {
    if (error instanceof QemuError && error.message.endsWith(CUT)) return false;
    throw error;
  }
}

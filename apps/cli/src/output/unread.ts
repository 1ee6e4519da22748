/** Milliseconds in which nothing was read, after which nobody reads any more. */
const PATIENCE_MS = 5000;

/** Bytes that were written and that nobody has read yet. */
export function unread(stream: NodeJS.WritableStream | undefined): number {
  return (stream as { readonly writableLength?: number } | undefined)?.writableLength ?? 0;
}

/**
 * Settles when all that was written has left, or when it never will: with an error where nobody can read any more, and after a while
 * in which nobody did, where somebody could. A reader that is slow is waited for as long as it reads.
 */
export async function flushed(stream: NodeJS.WritableStream): Promise<void> {
  const left = new Promise<"left">((resolve) => {
    stream.write("", () => resolve("left"));
  });
  for (let before = Infinity; unread(stream) < before;) {
    before = unread(stream);
    if ((await within(left, PATIENCE_MS)) === "left") return;
  }
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const waited = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, waited]);
  } finally {
    clearTimeout(timer); // or it would keep the process
  }
}

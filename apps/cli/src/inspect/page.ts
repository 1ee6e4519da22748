const PIECE_CHARACTERS = 64 * 1024;

/** Standard output as a place for many lines: waits while the reader is slow, and says when he has gone. */
export interface Page {
  line(text: string): Promise<void>;
  flush(): Promise<void>;
  /** Nobody reads any more, as with `| head`. */
  readonly closed: boolean;
}

export function createPage(stream: NodeJS.WritableStream): Page {
  let held = "";
  let closed = false;
  stream.on("error", () => {
    closed = true;
  });
  const flush = async (): Promise<void> => {
    const text = held;
    held = "";
    if (closed || text === "") return;
    await new Promise<void>((resolve) => {
      stream.write(text, (error) => {
        if (error) closed = true;
        resolve();
      });
    });
  };
  return {
    async line(text) {
      held += `${text}\n`;
      if (held.length >= PIECE_CHARACTERS) await flush();
    },
    flush,
    get closed() {
      return closed;
    },
  };
}

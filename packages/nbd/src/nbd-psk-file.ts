/** A user and the key of that user. */
interface NbdPsk {
  readonly identity: string;
  readonly key: Uint8Array;
}

/**
 * The keys in a file as psktool writes them, in order: lines of `user:key in hex`, between empty ones and those that begin
 * with `#`. Throws a `TypeError` that names the file and the line and does not repeat it, since it is a secret.
 */
export function parsePskFile(text: string, path: string): readonly NbdPsk[] {
  const keys: NbdPsk[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    const word = line.trim();
    if (word === "" || word.startsWith("#")) continue;
    const groups = /^(?<identity>[^:]+):(?<hex>(?:[\da-f]{2})+)$/iu.exec(word)?.groups;
    if (!groups) throw new TypeError(`${path}: line ${i + 1} is not 'user:key in hex', as psktool writes it`);
    const { identity = "", hex = "" } = groups;
    if (keys.some((other) => other.identity === identity)) {
      throw new TypeError(`${path}: line ${i + 1} is a second key for the user '${identity}'`);
    }
    keys.push({ identity, key: new Uint8Array(Buffer.from(hex, "hex")) });
  }
  if (keys.length === 0) throw new TypeError(`${path} has no key: psktool -u alice -p ${path} makes one`);
  return keys;
}

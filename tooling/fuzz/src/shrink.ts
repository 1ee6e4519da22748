/** How often a smaller input is tried. */
const MOST_TRIES = 4000;

/** A smaller input that still fails: pieces are left out, halves first, then bytes are made zero. `bytes` stays as it is. */
export async function shrink(bytes: Uint8Array, fails: (bytes: Uint8Array) => Promise<boolean>): Promise<Uint8Array> {
  let best: Uint8Array = bytes.slice();
  let tries = MOST_TRIES;
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at + size <= best.length && tries > 0;) {
      const shorter = without(best, at, size);
      tries--;
      if (await fails(shorter)) best = shorter;
      else at += size;
    }
  }
  for (let at = 0; at < best.length && tries > 0; at++) {
    if (best[at] === 0) continue;
    const plainer = best.slice();
    plainer[at] = 0;
    tries--;
    if (await fails(plainer)) best = plainer;
  }
  return best;
}

function without(bytes: Uint8Array, at: number, count: number): Uint8Array {
  const shorter = new Uint8Array(bytes.length - count);
  shorter.set(bytes.subarray(0, at));
  shorter.set(bytes.subarray(at + count), at);
  return shorter;
}

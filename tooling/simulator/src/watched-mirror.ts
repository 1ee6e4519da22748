import type { Guest, Mirror } from "@blkmig/device";

/** A guest of which it is told when a write that was to be mirrored has landed at the source, and could not be carried (law 11). */
export function watchMirror(guest: Guest, onUncarried: () => void): Guest {
  if (!guest.mirror) return guest;
  const setMirror = guest.mirror.bind(guest);
  return { ...guest, mirror: (mirror) => setMirror(mirror && watched(mirror, onUncarried)) };
}

function watched(mirror: Mirror, onUncarried: () => void): Mirror {
  return {
    async begin(...place) {
      const write = await mirror.begin(...place);
      return {
        async carry(data) {
          await write.carry(data).catch((error: unknown) => {
            onUncarried();
            throw error;
          });
        },
        end: () => write.end(),
      };
    },
  };
}

// Writes a disk behind NBD from end to end and reads it again. Run by besieged.test.ts; exits with 3 if it was hung up on.
import { openNbd, parseNbdUrl } from "@blkmig/nbd";

const HUNG_UP_ON = 3;
const PIECE_BYTES = 64 * 1024;

const [url] = process.argv.slice(2);
const failed = () => process.exit(HUNG_UP_ON);
const device = await openNbd(parseNbdUrl(url), { reconnectFor: 0, connections: 1 }).catch(failed);
const wrote = new Uint8Array(PIECE_BYTES);
const read = new Uint8Array(PIECE_BYTES);
for (let at = 0; at < device.size; at += PIECE_BYTES) {
  wrote.fill(at / PIECE_BYTES + 1);
  await device.write(at, [wrote]).catch(failed);
  await device.read(at, read).catch(failed);
  if (Buffer.compare(wrote, read) !== 0) throw new Error(`other bytes at ${at} than were written there`);
}
await device.flush().catch(failed);
await device.close();

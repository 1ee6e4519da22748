import { crc32 } from "node:zlib";

import type { Crc32 } from "@blkmig/protocol";

/** What a caller in Node.js gives to a session's codec. */
export const nodeCrc32: Crc32 = crc32;

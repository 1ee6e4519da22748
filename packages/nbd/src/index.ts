export type {
  BlockSizes,
  DirtyExtent,
  LinkIdentity,
  NbdClientEvent,
  NbdDevice,
  NbdExport,
  NbdServer,
  NbdServerEvent,
  NbdServerLimits,
  NbdServerOptions,
  NbdUrl,
  OpenNbdOptions,
} from "./nbd-contract.ts";
export { NbdError, type NbdErrorCode } from "./nbd-error.ts";
export { createNbdServer } from "./nbd-server.ts";
export { listenNbd, type NbdListener } from "./listen-nbd.ts";
export { openNbd } from "./open-nbd.ts";
export { formatNbdUrl, isNbdUrl, parseNbdUrl } from "./nbd-url.ts";
export { type NbdKeys, type NbdRole, readNbdKeys } from "./nbd-keys.ts";

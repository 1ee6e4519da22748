import type { NbdErrorCode } from "@blkmig/nbd";
import type { ProtocolErrorCode } from "@blkmig/protocol";
import type { TransportErrorCode } from "@blkmig/transport";

import type { Explained, Explanation } from "./explanation.ts";

const PEER =
  "Make sure that both ends run blkmig, or a program whose stream it knows, and that nothing changes bytes on the way.";
const AGAIN = "Start it again; with --resume on both sides what has arrived is kept.";

const TRANSPORT: Readonly<Record<TransportErrorCode, Explanation>> = {
  connect: {
    cause:
      "Nobody listens there, the name is unknown, or who is there will not have us: a token or a certificate that it does not know.",
    remedy:
      "Start the receiver first, and look at the address, the port and any firewall; for tls: use the same token file at both ends.",
  },
  cut: {
    cause: "The connection under TLS ended before TLS itself did: the peer died, or somebody cut it.",
    remedy: `Look at what the other end says. ${AGAIN}`,
  },
  destroyed: {
    cause: "This side closed the wire itself, as a cancelled migration does.",
    remedy: "Nothing needs to be done.",
    exit: "130",
  },
  finished: {
    cause: "Something was sent after this side had said that it sends no more.",
    remedy:
      "In a program that uses the packages: send before `finish()`. From blkmig itself it is a bug; please report it.",
  },
  io: {
    cause: "The operating system refused to read or write; the message has its words.",
    remedy: "Do what the system's words ask for: space, permission, a network that is up.",
  },
  limit: { cause: "The peer sent a message that is larger than is allowed.", remedy: PEER },
  listen: {
    cause: "The address cannot be had: it is in use, is not this machine's, or needs a permission.",
    remedy: "Choose another port (0 picks a free one) or path, or end the program that has it.",
  },
  protocol: {
    cause: "The peer does not speak WebSocket or TLS as it should, or speaks clear text where TLS was expected.",
    remedy: "Use the kind of address that the other end listens at: tcp: with tcp:, tls: with tls:, ws: with ws:.",
  },
  reset: { cause: "The peer went away in the middle.", remedy: `See what ended it there. ${AGAIN}` },
  timeout: { cause: "The peer no longer answers.", remedy: `Look at the network and at the other machine. ${AGAIN}` },
};

const NBD: Readonly<Record<NbdErrorCode, Explanation>> = {
  changed: {
    cause:
      "After a reconnect the NBD server offers another disk: of another size, with other flags, or another that says so.",
    remedy: "Serve the same disk there again, then start again; do not resume onto another one.",
    left: "Nothing was written to the other disk.",
  },
  connect: {
    cause: "No NBD server is there, or the connection broke before the disk was open.",
    remedy: "Start the server, and look at the address and the port (10809 where none is said).",
  },
  lost: {
    cause: "The server's host restarted: what it had acknowledged and not flushed may be gone.",
    remedy: "Start the migration anew: what the disk holds is not known any more.",
    left: "A source behind it was only read; a target behind it is not complete.",
  },
  option: {
    cause: "The server refuses something that is needed, such as TLS, block sizes or a writable export.",
    remedy:
      "Set the server up for it; for TLS say nbds: with tls-psk-file or tls-certificates, or nbd: where it has none.",
  },
  protocol: {
    cause: "What answers there does not speak NBD, or breaks it.",
    remedy:
      "Look at the address: it must be an NBD server of the fixed newstyle, such as blkmig serve, nbdkit or qemu-nbd.",
  },
  "unknown-export": {
    cause: "The server has no export of that name.",
    remedy: "List them with `nbdinfo --list`, and say the name after the last slash of the address.",
  },
};

const PROTOCOL: Readonly<Record<ProtocolErrorCode, Explanation>> = {
  "bad-checksum": {
    cause: "A header or a payload of a session is not what its checksum was made of.",
    remedy:
      "A session sends it again by itself. Where it comes back, the network card, the memory or a proxy damages data: find it, or encrypt.",
  },
  "bad-frame": { cause: "A session's frame is of an unknown type, or of a size that it cannot have.", remedy: PEER },
  "bad-magic": {
    cause: "The first bytes are neither a session's, nor a classic stream's, nor QEMU's.",
    remedy: "Look at what the other end sends; `blkmig inspect` shows any stream that was kept.",
  },
  "bad-message": { cause: "A message is of an unknown kind or length, or cannot be understood.", remedy: PEER },
  "bad-name": {
    cause: "A name of a device, a machine or a section is not UTF-8, or a session names a disk badly.",
    remedy: "Rename the disk at the sender: 1 to 255 bytes of UTF-8.",
  },
  "bad-offset": { cause: "A block is not at a multiple of 1 MiB, or lies beyond 2^53 bytes.", remedy: PEER },
  "bad-progress": { cause: "A progress frame says more than 100 per cent.", remedy: PEER },
  "bad-section": {
    cause: "An item of QEMU's envelope is of no known kind, out of place, or of a wrong length or id.",
    remedy: "Make sure that the stream is whole and of a QEMU; `blkmig inspect` says which byte it is.",
  },
  truncated: {
    cause: "The stream ended inside a frame, or before its last section had ended.",
    remedy: "Send it again: the sender was ended, or its file is not whole.",
  },
  "unknown-flags": {
    cause: "A frame has flag bits that none of this generation has.",
    remedy: "Say the sender's generation, or have the sender use one that is known here (--wire 1.1).",
  },
  unsupported: {
    cause: "It is a sound stream of QEMU's, with a capability that cannot be followed.",
    remedy: "Turn off in QEMU the capability that the message names.",
  },
};

const BEFORE =
  "Exit code 3 before the first byte of a target is written; later it is the `cause` of a `MigrationError` or a `LoadError`, which say how it ended. The source is as it was.";

export const WIRES_EXPLAINED: readonly Explained[] = [
  { title: "TransportError: a wire", left: BEFORE, codes: TRANSPORT },
  { title: "NbdError: a disk behind NBD", left: BEFORE, codes: NBD },
  {
    title: "ProtocolError: bytes that are no stream",
    left: "The program says it as the code `protocol` of a `LoadError`; nothing of the offending item was written.",
    codes: PROTOCOL,
  },
];

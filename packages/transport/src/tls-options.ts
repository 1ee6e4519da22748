import { constants, createPrivateKey, hkdfSync, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { ConnectionOptions, TlsOptions as ServerOptions } from "node:tls";

/**
 * How both ends of a TLS wire prove who they are: by certificates (PEM texts; the listener asks for one as well, and each
 * checks the other's against `ca`); or by a token that both know, of at least 16 random bytes; or by pre-shared keys as
 * GnuTLS's psktool makes them for other programs, a key of 16 to 64 bytes for each user: a dialler shows the first, a
 * listener knows all. With a token or a key there is no certificate at all.
 */
export type TlsOptions =
  | { readonly cert: string; readonly key: string; readonly ca: string }
  | { readonly token: Uint8Array }
  | { readonly psk: readonly PresharedKey[] };

/** Whose key, and its bytes, as they are on the wire of other programs: nothing is derived from them. */
export interface PresharedKey {
  readonly identity: string;
  readonly key: Uint8Array;
}

/** The only suite that every Node takes with a pre-shared key: its hash must be SHA-256. */
const PSK_SUITE = "TLS_AES_128_GCM_SHA256";

/** What the token is called on the wire. It is no secret: one wire has one token. */
const PSK_IDENTITY = "blkmig";

const PSK_BYTES = 32;

/** A shorter token could be guessed, at leisure, from one recorded handshake. */
export const SHORTEST_TOKEN = 16;

const TLS_1_3 = { minVersion: "TLSv1.3" } as const;

/** Each connection proves anew who it is: no session is resumed. */
const ANEW = { secureOptions: constants.SSL_OP_NO_TICKET } as const;

/** psktool makes no longer one. */
const LONGEST_KEY = 64;

/** What OpenSSL takes, in bytes of UTF-8. */
const LONGEST_IDENTITY = 128;

/** What is known by both ends: a token or a key; undefined with certificates. */
export function secretOf(tls: TlsOptions): "token" | "key" | undefined {
  if ("token" in tls) return "token";
  return "psk" in tls ? "key" : undefined;
}

/**
 * What Node's TLS is told when dialling. Without a host a certificate may be for whomever `ca` has signed. Throws a
 * `TypeError` for what can be no key.
 */
export function toDialSettings(tls: TlsOptions, host: string | undefined): ConnectionOptions {
  // Said aloud, or an environment variable could switch the checks off.
  const checks = { ...TLS_1_3, rejectUnauthorized: true };
  if (!("cert" in tls)) return { ...checks, ...toName(host), ...bySecret(tls) };
  const anyName = host === undefined ? { checkServerIdentity: () => undefined } : {};
  return { ...checks, ...toName(host), ...anyName, ...checkedCertificates(tls) };
}

function toName(host: string | undefined): ConnectionOptions {
  if (host === undefined) return {};
  return isIP(host) === 0 ? { host, servername: host } : { host };
}

function bySecret(tls: Exclude<TlsOptions, { cert: string }>): ConnectionOptions {
  const [[identity, psk]] = toKeys(tls);
  return {
    ciphers: PSK_SUITE,
    pskCallback: () => ({ psk, identity }),
    // A server that proves the secret has no certificate. One that shows a certificate instead, from whomever, has proved
    // nothing: nobody is believed (`ca`), and no name fits.
    ca: [],
    checkServerIdentity: () => new Error(`a certificate is no proof of the ${secretOf(tls)}`),
  };
}

/** What Node's TLS is told when listening. Throws a `TypeError` for what can be no key. */
export function toListenSettings(tls: TlsOptions): ServerOptions {
  if ("cert" in tls) {
    return { ...TLS_1_3, ...ANEW, ...checkedCertificates(tls), requestCert: true, rejectUnauthorized: true };
  }
  const keys = new Map(toKeys(tls));
  return {
    ...TLS_1_3,
    ciphers: PSK_SUITE,
    ...ANEW,
    pskCallback: (_socket, identity) => keys.get(identity) ?? null,
  };
}

/** Throws a `TypeError` for what can be no key, before there is anybody to show it to. */
export function assertTlsOptions(tls: TlsOptions): void {
  toListenSettings(tls);
}

type Key = [identity: string, key: Buffer];

function toKeys(tls: Exclude<TlsOptions, { cert: string }>): [Key, ...Key[]] {
  if ("token" in tls) return [[PSK_IDENTITY, derivePsk(tls.token)]];
  const [first, ...others] = tls.psk.map(toKey);
  if (!first) throw new TypeError("tls.psk has no key");
  const names = new Set(tls.psk.map(({ identity }) => identity));
  if (names.size < tls.psk.length) throw new TypeError("tls.psk has two keys for one user");
  return [first, ...others];
}

function toKey({ identity, key }: PresharedKey): Key {
  const { length } = new TextEncoder().encode(identity);
  if (length === 0 || length > LONGEST_IDENTITY || identity.includes("\0")) {
    throw new TypeError(`tls.psk: a user's name has 1 to ${LONGEST_IDENTITY} bytes, none of them zero`);
  }
  if (key.length < SHORTEST_TOKEN || key.length > LONGEST_KEY) {
    throw new TypeError(
      `tls.psk: the key of '${identity}' has ${key.length} bytes: it must have ${SHORTEST_TOKEN} to ${LONGEST_KEY}`,
    );
  }
  return [identity, Buffer.from(key)];
}

function derivePsk(token: Uint8Array): Buffer {
  if (token.length < SHORTEST_TOKEN) {
    throw new TypeError(`a token of ${token.length} bytes could be guessed: it must have at least ${SHORTEST_TOKEN}`);
  }
  return Buffer.from(hkdfSync("sha256", token, new Uint8Array(0), "blkmig psk", PSK_BYTES));
}

/** Without these checks an empty `ca` would mean everybody's certificates, and a wrong key show in the handshake only. */
function checkedCertificates({ cert, key, ca }: { cert: string; key: string; ca: string }) {
  attempt("tls.ca is no certificate in PEM", () => new X509Certificate(ca));
  const certificate = attempt("tls.cert is no certificate in PEM", () => new X509Certificate(cert));
  const privateKey = attempt("tls.key is no private key in PEM, or needs a pass phrase", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) throw new TypeError("tls.key is not the key of tls.cert");
  return { cert, key, ca };
}

function attempt<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new TypeError(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

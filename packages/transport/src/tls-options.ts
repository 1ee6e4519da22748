import { constants, createPrivateKey, hkdfSync, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { ConnectionOptions, TlsOptions as ServerOptions } from "node:tls";

/**
 * How both ends of a TLS wire prove who they are: by certificates (PEM texts; the listener asks for one as well, and each
 * checks the other's against `ca`), or by a token that both know, of at least 16 random bytes, and no certificate at all.
 */
export type TlsOptions =
  | { readonly cert: string; readonly key: string; readonly ca: string }
  | { readonly token: Uint8Array };

/** The only suite that every Node takes with a pre-shared key: its hash must be SHA-256. */
const PSK_SUITE = "TLS_AES_128_GCM_SHA256";

/** What the token is called on the wire. It is no secret: one wire has one token. */
const PSK_IDENTITY = "blkmig";

const PSK_BYTES = 32;

/** A shorter token could be guessed, at leisure, from one recorded handshake. */
export const SHORTEST_TOKEN = 16;

const TLS_1_3 = { minVersion: "TLSv1.3" } as const;

/** What Node's TLS is told when dialling. Throws a `TypeError` for what can be no key. */
export function toDialSettings(tls: TlsOptions, host: string): ConnectionOptions {
  // Said aloud, or an environment variable could switch the checks off.
  const checks = { ...TLS_1_3, rejectUnauthorized: true };
  const name = isIP(host) === 0 ? { host, servername: host } : { host };
  if (!("token" in tls)) return { ...checks, ...name, ...checkedCertificates(tls) };
  const psk = derivePsk(tls.token);
  return {
    ...checks,
    ...name,
    ciphers: PSK_SUITE,
    pskCallback: () => ({ psk, identity: PSK_IDENTITY }),
    // A server that proves the token has no certificate. One that shows a certificate instead, from whomever, has proved
    // nothing: nobody is believed (`ca`), and no name fits.
    ca: [],
    checkServerIdentity: () => new Error("a certificate is no proof of the token"),
  };
}

/** What Node's TLS is told when listening. Throws a `TypeError` for what can be no key. */
export function toListenSettings(tls: TlsOptions): ServerOptions {
  if (!("token" in tls)) {
    return { ...TLS_1_3, ...checkedCertificates(tls), requestCert: true, rejectUnauthorized: true };
  }
  const psk = derivePsk(tls.token);
  return {
    ...TLS_1_3,
    ciphers: PSK_SUITE,
    secureOptions: constants.SSL_OP_NO_TICKET, // each connection proves the token anew
    pskCallback: (_socket, identity) => (identity === PSK_IDENTITY ? psk : null),
  };
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

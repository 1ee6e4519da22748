import { explainCertificateAlert, reasonOf } from "./tls-alert.ts";
import { secretOf, type TlsOptions } from "./tls-options.ts";

const CLEAR_TEXT: ReadonlySet<string> = new Set([
  "ERR_SSL_HTTP_REQUEST",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_RECORD_LAYER_FAILURE",
  "ERR_SSL_UNEXPECTED_MESSAGE",
  "ERR_SSL_WRONG_VERSION_NUMBER",
]);

/** How a handshake fails by a token or a key: Node 20 and 24 name it differently. */
const SECRET_ALERT = /_ALERT_(?:ILLEGAL_PARAMETER|DECRYPT_ERROR|HANDSHAKE_FAILURE|UNKNOWN_PSK_IDENTITY)$/u;

/** Why a dialler's handshake failed, and what to do. */
export function explainDialFailure(error: NodeJS.ErrnoException, tls: TlsOptions): string {
  const { code = "", message } = error;
  const secret = secretOf(tls);
  if (CLEAR_TEXT.has(code))
    return "the server speaks clear text here, not TLS: use the port or the kind of wire it offers";
  const refusal = explainCertificateAlert(code);
  if (refusal) return refusal;
  if (code.endsWith("_ALERT_PROTOCOL_VERSION")) return "the server does not speak TLS 1.3, and nothing older is spoken";
  if (secret && SECRET_ALERT.test(code))
    return `the server did not take the ${secret}: both ends must be given the same one`;
  if (code.endsWith("_ALERT_HANDSHAKE_FAILURE")) {
    return "the server did not agree to TLS with certificates: if it expects a token or a key, give it that";
  }
  if (code === "ECONNRESET") return "the server went away during the handshake: what it says about that is in its log";
  if (code.startsWith("ERR_SSL_")) return `the handshake failed: ${reasonOf(error)}`;
  if (secret)
    return `the server shows a certificate and does not know the ${secret}: give it the ${secret}, or use certificates`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `the server's certificate is for another host: ${reasonOf(error)}`;
  return `the server's certificate is not trusted (${message}): tls.ca must be what signed it`;
}

/** Why a listener turned a peer away. */
export function explainRefusal(error: NodeJS.ErrnoException, untrusted: string | undefined, tls: TlsOptions): string {
  const { code = "" } = error;
  const secret = secretOf(tls) ?? "token";
  if (untrusted) return `its certificate is not trusted (${untrusted}): tls.ca must be what signed it`;
  if (CLEAR_TEXT.has(code)) return "it speaks clear text, not TLS";
  if (code === "ERR_SSL_BINDER_DOES_NOT_VERIFY") return `it has another ${secret}`;
  if (code === "ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM" || code === "ERR_SSL_NO_SHARED_CIPHER") {
    return `it has no ${secret} of ours: it expects certificates, or is another program`;
  }
  if (code === "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE") return "it shows no certificate";
  if (code === "ERR_SSL_UNSUPPORTED_PROTOCOL") return "it does not speak TLS 1.3";
  if (/_ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE)$/u.test(code)) return "it does not trust our certificate";
  if (code === "ECONNRESET") return "it went away during the handshake";
  return `the handshake failed: ${reasonOf(error)}`;
}

/** What the other end said against our certificate; OpenSSL's names begin with the version that invented each alert. */
const CERTIFICATE_ALERT = /_ALERT_(?:(?:BAD|NO|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED)$/u;

/** What the server says against our certificate: in TLS 1.3 it comes after the handshake, with the first read. */
export function explainCertificateAlert(code: string): string | undefined {
  if (!CERTIFICATE_ALERT.test(code)) return undefined;
  const wantsOne = code.endsWith("CERTIFICATE_REQUIRED");
  return wantsOne
    ? "the server wants a certificate: dial with one that its ca has signed"
    : "the server does not trust our certificate: its ca must be what signed it, and it must not be out of date";
}

/** OpenSSL's message names its source files; `reason` does not. */
export function reasonOf(error: Error): string {
  const { reason } = error as { reason?: unknown };
  return typeof reason === "string" ? reason : error.message;
}

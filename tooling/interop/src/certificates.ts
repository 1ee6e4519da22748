import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Who signs certificates, and whom it is enough to trust. */
export interface Authority {
  readonly cert: string;
  readonly key: string;
}

/** What an end proves itself with, and tells the other end by: a folder as QEMU's `tls-creds-x509` wants it in `dir`. */
export interface Credentials {
  readonly folder: string;
  /** The same files, as blkmig takes them. */
  readonly flags: readonly string[];
}

interface CredentialsOptions {
  /** Which of QEMU's two ends: it looks for other file names, and for another purpose in the certificate. */
  readonly end: "client" | "server";
  readonly signedBy: Authority;
  /** Default: who has signed. QEMU wants its own certificate to be signed by one of them. */
  readonly trusts?: readonly Authority[];
  /** Whom the certificate is for. Default: `IP:127.0.0.1`. */
  readonly names?: string;
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const PURPOSE = { client: "clientAuth", server: "serverAuth" } as const;

/** Makes a certificate authority in files that begin with `base`. */
export function makeAuthority(base: string): Authority {
  const [cert, key] = [`${base}-cert.pem`, `${base}-key.pem`];
  openssl(["req", "-x509", ...NEW_KEY, "-days", "2", "-subj", "/CN=authority", "-keyout", key, "-out", cert]);
  return { cert, key };
}

/** Makes the folder. */
export function makeCredentials(folder: string, options: CredentialsOptions): Credentials {
  const { end, signedBy, trusts = [signedBy], names = "IP:127.0.0.1" } = options;
  const at = (name: string): string => join(folder, name);
  const [ca, cert, key, request] = [at("ca-cert.pem"), at(`${end}-cert.pem`), at(`${end}-key.pem`), at("request.pem")];
  mkdirSync(folder);
  writeFileSync(ca, trusts.map((authority) => readFileSync(authority.cert, "utf8")).join(""));
  const wanted = ["-addext", `subjectAltName=${names}`, "-addext", `extendedKeyUsage=${PURPOSE[end]}`];
  openssl(["req", ...NEW_KEY, "-subj", `/CN=${end}`, ...wanted, "-keyout", key, "-out", request]);
  const signer = ["-CA", signedBy.cert, "-CAkey", signedBy.key, "-days", "2", "-copy_extensions", "copy"];
  openssl(["x509", "-req", "-in", request, ...signer, "-out", cert]);
  return { folder, flags: ["--tls-cert", cert, "--tls-key", key, "--tls-ca", ca] };
}

/** QEMU's arguments for these credentials; its parameter `tls-creds` must name them as `TLS_CREDS`. */
export function tlsArguments({ folder }: Credentials, end: "client" | "server"): readonly string[] {
  return ["-object", `tls-creds-x509,id=${TLS_CREDS},endpoint=${end},dir=${folder.replaceAll(",", ",,")}`];
}

export const TLS_CREDS = "tls0";

function openssl(words: readonly string[]): void {
  execFileSync("openssl", words, { stdio: "pipe" });
}

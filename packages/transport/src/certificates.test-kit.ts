import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Who signs, and what was signed. */
export interface Authority {
  readonly ca: string;
  /** A certificate for a host, as `subjectAltName` writes it: `DNS:localhost,IP:127.0.0.1`. */
  sign(names: string): Identity;
}

/** Whether certificates can be made here: that is the work of the program `openssl`. */
export const hasOpenssl: boolean = (() => {
  try {
    execFileSync("openssl", ["version"]);
    return true;
  } catch {
    return false;
  }
})();

/** A certificate authority of its own; its files are gone at once. */
export function createAuthority(): Authority {
  const made = inFolder((file) => {
    openssl([
      "req",
      "-x509",
      ...KEY,
      "-days",
      "2",
      "-subj",
      "/CN=authority",
      "-keyout",
      file("key"),
      "-out",
      file("cert"),
    ]);
  });
  return {
    ca: made.cert,
    sign: (names) =>
      inFolder((file, write) => {
        write("ca.cert", made.cert);
        write("ca.key", made.key);
        const request = ["-subj", "/CN=peer", "-addext", `subjectAltName=${names}`, "-keyout", file("key")];
        openssl(["req", ...KEY, ...request, "-out", file("request")]);
        const signer = ["-CA", file("ca.cert"), "-CAkey", file("ca.key"), "-days", "2", "-copy_extensions", "copy"];
        openssl(["x509", "-req", "-in", file("request"), ...signer, "-out", file("cert")]);
      }),
  };
}

type File = (name: string) => string;
type Write = (name: string, text: string) => void;

/** What `make` left in the files `cert` and `key`. */
function inFolder(make: (file: File, write: Write) => void): Identity {
  const folder = mkdtempSync(join(tmpdir(), "blkmig-certificates-"));
  const file = (name: string) => join(folder, name);
  try {
    make(file, (name, text) => writeFileSync(file(name), text));
    return { cert: readFileSync(file("cert"), "utf8"), key: readFileSync(file("key"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function openssl(words: readonly string[]): void {
  execFileSync("openssl", words, { stdio: "pipe" });
}

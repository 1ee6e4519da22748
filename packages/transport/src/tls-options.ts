/**
 * How both ends of a TLS wire prove who they are: by certificates (PEM texts; the listener asks for one as well, and each
 * checks the other's against `ca`), or by a token that both know and no certificate at all.
 */
export type TlsOptions =
  | { readonly cert: string; readonly key: string; readonly ca: string }
  | { readonly token: Uint8Array };

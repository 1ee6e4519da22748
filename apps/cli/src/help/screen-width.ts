const USUAL = 80;
/** Less is no screen, but a mistake of whoever said so. */
const NARROWEST = 20;

/** How wide help may be: as the terminal is, else as COLUMNS says, else 80. */
export function helpWidth({ columns }: { readonly columns?: number | undefined }): number {
  const said = columns ?? Number(process.env["COLUMNS"]);
  return said >= NARROWEST ? said : USUAL;
}

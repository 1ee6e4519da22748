// Writes what each error code means into docs/errors.md: node apps/cli/src/explain/write-page.ts
import { readFileSync, writeFileSync } from "node:fs";

import { explainedPage } from "./explain.ts";

const page = new URL("../../../../docs/errors.md", import.meta.url);
const MARK = "<!-- made by apps/cli/src/explain/write-page.ts -->\n";
const [before] = readFileSync(page, "utf8").split(MARK);
writeFileSync(page, `${before}${MARK}\n${explainedPage()}`);

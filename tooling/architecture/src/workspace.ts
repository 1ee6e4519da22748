import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root = fileURLToPath(new URL("../../..", import.meta.url));

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface Room {
  /** From the root: `packages/device`. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** TypeScript files, from the room's folder. */
  readonly files: readonly string[];
}

/** Every package, app and tool, with its sources. */
export function rooms(): readonly Room[] {
  return ["packages", "apps", "tooling"].flatMap((parent) =>
    readdirSync(join(root, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => roomAt(join(parent, name)))
      .filter((room) => room !== undefined),
  );
}

function roomAt(folder: string): Room | undefined {
  const manifest = readJson(join(root, folder, "package.json"));
  if (!manifest) return undefined;
  const src = join(root, folder, "src");
  return { folder, manifest, files: sources(src).map((file) => relative(join(root, folder), file)) };
}

function readJson(path: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined; // a folder of scripts is no room
  }
}

function sources(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join(folder, file));
  } catch {
    return []; // a room of settings has no sources
  }
}

export const textOf = (room: Room, file: string): string => readFileSync(join(root, room.folder, file), "utf8");

/** What a file imports, as it spells it. */
export function importsOf(room: Room, file: string): readonly string[] {
  const found = textOf(room, file).matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^;"]*?from\s*"([^"]+)"|(?:^|[^\w.])import\(\s*"([^"]+)"\s*\)/g,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? "");
}

export const isTest = (file: string): boolean => /\.test(-kit)?\.ts$/.test(file);

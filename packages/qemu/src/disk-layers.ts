import type { ImageLayer, StoredNode } from "./disk-answers.ts";
import type { QemuDisk } from "./disks-contract.ts";

/** They stand above an image, and have none of their own. */
const FILTERS: ReadonlySet<string> = new Set([
  "backup-top",
  "blkdebug",
  "blklogwrites",
  "blkreplay",
  "commit_top",
  "compress",
  "copy-before-write",
  "copy-on-read",
  "mirror_top",
  "preallocate",
  "throttle",
]);

/** What QEMU says of a disk's images, from the root down: a filter's is among them, with the filter's words. */
export function describeLayers(
  root: ImageLayer,
  nodes: readonly StoredNode[],
): Pick<QemuDisk, "backingDepth"> & { readonly storage: NonNullable<QemuDisk["storage"]> } {
  const images = layersOf(root).filter(({ format }) => !FILTERS.has(format));
  return { backingDepth: Math.max(images.length - 1, 0), storage: storageOf(images[0] ?? root, nodes) };
}

function layersOf(root: ImageLayer): readonly ImageLayer[] {
  const layers: ImageLayer[] = [];
  for (let layer: ImageLayer | undefined = root; layer; layer = layer["backing-image"]) layers.push(layer);
  return layers;
}

/** The node that has the bytes: it carries the name of the image, as all between it and the image do. */
function storageOf(top: ImageLayer, nodes: readonly StoredNode[]): NonNullable<QemuDisk["storage"]> {
  const place = placeIn(top.filename);
  const named = nodes.filter((node) => {
    if (FILTERS.has(node.drv)) return false;
    return node.file === place.filename || (place.text !== undefined && node.file === place.text);
  });
  const isBelow = ({ drv }: StoredNode): boolean =>
    place.driver === undefined ? drv !== top.format : drv === place.driver;
  const node = named.find(isBelow) ?? named[0];
  return {
    filename: place.filename,
    driver: node?.drv ?? place.driver ?? top.format,
    bytes: node?.image["virtual-size"] ?? top["virtual-size"],
  };
}

interface Place {
  readonly filename: string;
  readonly driver: string | undefined;
  /** Of the innermost object, where it has no plain name. */
  readonly text: string | undefined;
}

/** An image that no plain name can describe is called `json:{…}`: a description, and in it that of what it lies on. */
function placeIn(filename: string): Place {
  let value = objectIn(filename);
  if (!value) return { filename, driver: undefined, text: undefined };
  for (let below = value["file"] ?? value["image"]; isObject(below); below = value["file"] ?? value["image"])
    value = below;
  const { driver, filename: plain } = value;
  return {
    filename: typeof plain === "string" ? plain : filename,
    driver: typeof driver === "string" ? driver : undefined,
    text: typeof plain === "string" ? undefined : filename,
  };
}

function objectIn(filename: string): Record<string, unknown> | undefined {
  if (!filename.startsWith("json:")) return undefined;
  try {
    const value: unknown = JSON.parse(filename.slice("json:".length));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // a file whose name begins like that
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

// What must be true of a tarball beside what publint and attw look at. Gives sentences; none where all is well.
import { execFileSync } from "node:child_process";

const REQUIRED = ["LICENSE", "README.md", "package.json"];
/** Without these a registry shows a package of nobody, for nothing. */
const SAID = ["description", "engines", "keywords", "license", "repository"];
const ALLOWED =
  /^(LICENSE|NOTICE|README\.md|CHANGELOG\.md|package\.json|events\.schema\.json|dist\/.+\.(js|d\.ts)|dist\/man\/[a-z-]+\.1)$/;
const TEST = /\.test(-kit)?\./;
const SOURCE_MAP = /^\/\/# sourceMappingURL=/m;

/** The files of a tarball, from the package's folder, and the whole of their bytes. */
export function contentsOf(tarball) {
  const listed = execFileSync("tar", ["-tvzf", tarball, "--numeric-owner"]).toString().trim().split("\n");
  const entries = listed.map((line) => line.split(/\s+/));
  return {
    files: entries.map((fields) => fields.at(-1).replace("package/", "")),
    bytes: entries.reduce((sum, fields) => sum + Number(fields[2]), 0),
  };
}

export function wrongsOf(tarball, workspaceManifest) {
  const { files } = contentsOf(tarball);
  const packed = execFileSync("tar", ["-xOzf", tarball, "package/package.json"]).toString();
  const manifest = JSON.parse(packed);
  return [
    ...REQUIRED.filter((file) => !files.includes(file)).map((file) => `has no ${file}`),
    ...SAID.filter((field) => !manifest[field]?.length && !manifest[field]?.url && !manifest[field]?.node).map(
      (field) => `package.json says no ${field}`,
    ),
    ...files.filter((file) => !ALLOWED.test(file) || TEST.test(file)).map((file) => `${file} is not for users`),
    ...wrongDoors(manifest, workspaceManifest, files),
    ...["workspace:", "catalog:", "blkmig-source"]
      .filter((word) => packed.includes(word))
      .map((word) => `package.json: ${word}`),
    ...(SOURCE_MAP.test(textOf(tarball)) ? ["a file names a source map, and none are packed"] : []),
  ];
}

const textOf = (tarball) =>
  execFileSync("tar", ["-xOzf", tarball, "package/dist"], { maxBuffer: 64 * 1024 * 1024 }).toString();

/** What is published must open as the workspace's does: tests and docs have been run with those. */
function wrongDoors(manifest, workspaceManifest, files) {
  const doors = Object.entries(workspaceManifest.exports).filter(([, to]) => typeof to === "object");
  const expected = doors.map(([path, { types, default: code }]) => [path, types, code]);
  return expected.flatMap(([path, types, code]) => {
    const packed = manifest.exports[path];
    if (packed?.types !== types || packed.default !== code) return [`${path} opens otherwise than in the workspace`];
    return [types, code].filter((file) => !files.includes(file.slice(2))).map((file) => `${path}: ${file} is missing`);
  });
}

// Moves what was built into the place where it is run, file by file, each at once: programs that run there meanwhile find
// each of their files, and files that are as they were are left alone.
//   node put-in-place.mjs FROM TO
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

const [from, to] = process.argv.slice(2);

/** The files of a folder and of those in it; none if there is no such folder. */
function filesOf(folder) {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}

function isSame(one, other) {
  try {
    return statSync(one).mode === statSync(other).mode && readFileSync(one).equals(readFileSync(other));
  } catch (error) {
    if (error.code === "ENOENT") return false;
    throw error;
  }
}

const built = filesOf(from);
if (built.length === 0) throw new Error(`there is nothing in ${from}`);
for (const file of built) {
  const [source, target] = [join(from, file), join(to, file)];
  mkdirSync(dirname(target), { recursive: true });
  if (!isSame(source, target)) renameSync(source, target);
}
// Last: until now the older program may still have needed them.
for (const file of filesOf(to)) {
  if (!built.includes(file)) rmSync(join(to, file));
}

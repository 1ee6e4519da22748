// Bundles the program, with the packages that it carries, from their `dist` into temp/dist.
import { build } from "rolldown";

await build({
  input: { bin: "./src/bin.ts", "demo/live-sender": "./src/demo/live-sender.ts" },
  platform: "node",
  // Our own files and packages are carried along; whatever else is imported is installed beside the program.
  external: /^(?!\.|\/|@blkmig\/)/,
  transform: { target: "node20.19" },
  // An import that was not found is only warned of, and would fail where the program is installed.
  onwarn: ({ message }) => {
    throw new Error(message);
  },
  output: {
    dir: "temp/dist",
    cleanDir: true,
    entryFileNames: "[name].js",
    // Without hashes, and with the sources' names for what chunks export: a program that runs while it is built anew still
    // finds what it has yet to load.
    chunkFileNames: "[name].js",
    minifyInternalExports: false,
  },
});

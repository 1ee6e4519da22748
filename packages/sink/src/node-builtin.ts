/** What is used of Node.js where there is one, spelled out: its types are not there where there is none. */
interface NodeBuiltins {
  readonly "node:buffer": { readonly Buffer: { readonly compare: (one: Uint8Array, other: Uint8Array) => number } };
  readonly "node:crypto": { createHash(name: "sha256"): Hash };
  readonly "node:zlib": { readonly crc32: (bytes: Uint8Array) => number };
}

interface Hash {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

/**
 * A module of Node.js; undefined in a browser. Asked for and not imported, or nothing of this package would load in a browser,
 * and no bundler would take it.
 */
export function nodeBuiltin<Name extends keyof NodeBuiltins>(name: Name): NodeBuiltins[Name] | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.(name) as NodeBuiltins[Name] | undefined;
}

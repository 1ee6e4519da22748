/**
 * The few globals that Node.js, browsers, Deno and workers all have and that
 * "lib": ["es2023"] does not declare. A package that extends neutral.json may
 * use these and nothing else that is not in the language itself.
 */
declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>;
  encodeInto(source: string, destination: Uint8Array): { read: number; written: number };
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(input?: ArrayBufferView | ArrayBuffer, options?: { stream?: boolean }): string;
}

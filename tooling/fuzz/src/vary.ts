import type { SeededRandom } from "@blkmig/testkit";

const STRANGE: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1,
  1.5,
  512,
  4096,
  2 ** 31,
  2 ** 53 - 1,
  2 ** 53,
  1e308,
  -1e308,
  "",
  "x",
  "none",
  "\u0000",
  "\ud800",
  "é",
  "constructor",
  "x".repeat(70),
  "x".repeat(1030),
  [],
  {},
  [0],
  [0, 1],
  [[0, 1]],
  [-1, 2 ** 53],
  { say: "hello" },
  { length: 3 },
];
const KEYS = ["__proto__", "constructor", "id", "optional", "", "say", "toString", "length"] as const;

/** The same value with a few things changed somewhere in it; what it is made of is not touched. */
export function vary(value: unknown, random: SeededRandom): unknown {
  if (random.int(24) === 0) return random.pick(STRANGE);
  if (Array.isArray(value)) return varyList(value, random);
  if (typeof value === "object" && value !== null) return varyObject(value, random);
  if (typeof value === "number" && random.int(16) === 0) return value + random.int(3) - 1;
  if (typeof value === "string" && random.int(16) === 0) return value.repeat(random.int(3));
  return value;
}

function varyList(list: readonly unknown[], random: SeededRandom): unknown[] {
  const varied = list.map((item) => vary(item, random));
  if (random.int(16) === 0) varied.pop();
  if (random.int(16) === 0 && varied.length > 0) varied.push(random.pick(varied));
  return varied;
}

function varyObject(object: object, random: SeededRandom): object {
  const entries = Object.entries(object)
    .filter(() => random.int(40) > 0)
    .map(([key, value]) => [key, vary(value, random)] as const);
  if (random.int(24) === 0) entries.push([random.pick(KEYS), random.pick(STRANGE)]);
  // `fromEntries` defines "__proto__" as any other key, as JSON.parse() does.
  return Object.fromEntries(entries);
}

import { readFileSync } from "node:fs";

import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, unknown>>;
  readonly allOf?: readonly { readonly $ref: string }[];
  readonly oneOf?: readonly { readonly $ref: string }[];
  readonly $defs?: Readonly<Record<string, Schema>>;
}

/** As it is shipped. */
const eventsSchema = JSON.parse(readFileSync(new URL("../events.schema.json", import.meta.url), "utf8")) as Schema & {
  readonly oneOf: readonly { readonly $ref: string }[];
  readonly $defs: Readonly<Record<string, Schema>>;
};

const PLACE = "#/$defs/";

/** The keys of each event, by the schema. */
export function schemaEvents(): ReadonlyMap<string, readonly string[]> {
  const { oneOf, $defs } = eventsSchema;
  const names = oneOf.map(({ $ref }) => $ref.slice(PLACE.length));
  const keysOf = ({ properties = {}, allOf = [] }: Schema): readonly string[] => [
    ...Object.keys(properties).filter((key) => key !== "event" && key !== "time"),
    ...allOf.flatMap(({ $ref }) => keysOf($defs[$ref.slice(PLACE.length)]!)),
  ];
  return new Map(names.map((name) => [name, keysOf($defs[name]!)]));
}

/** Readers take keys that they do not know; what the program of this very version prints has none. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, closed(each)]));
  return "type" in value && value.type === "object" ? { ...copy, unevaluatedProperties: false } : copy;
}

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, strictRequired: false, strictTypes: false });
ajv.addSchema(closed(eventsSchema) as object, "events");
const known: ReadonlyMap<string, ValidateFunction> = new Map(
  [...schemaEvents().keys()].map((name) => [name, ajv.getSchema(`events${PLACE}${name}`)!]),
);

/** What of the events of a run is not as the schema has it; its standard output is looked at. */
export function notInSchema({ stdout }: { readonly stdout: string }): readonly string[] {
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  return lines.flatMap((line) => {
    const validate = known.get((JSON.parse(line) as { readonly event: string }).event);
    if (validate?.(JSON.parse(line)) === true) return [];
    return [`${line}: ${validate ? ajv.errorsText(validate.errors) : "no such event"}`];
  });
}

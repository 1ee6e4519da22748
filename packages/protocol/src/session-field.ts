import { encodeDeviceName } from "./device-name.ts";

/** Makes the error of a field that is not as it must be; "bad-name" where that is a disk's name. */
export type Refuse = (fault: string, code?: "bad-name") => Error;
/** Checks one field of a message, which `what` names, and gives it in its type. */
export type Field<Value> = (value: unknown, what: string, refuse: Refuse) => Value;

/** The longest text in a message, UTF-16 code units. */
export const TEXT_CHARACTERS = 1024;

const ID = /^[A-Za-z0-9-]{1,64}$/;

/** A whole number. */
export function whole(lowest: number, highest: number = Number.MAX_SAFE_INTEGER): Field<number> {
  return (value, what, refuse) => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= lowest && value <= highest) return value;
    throw refuse(`${what} must be a whole number from ${lowest} to ${highest}`);
  };
}

/** A duration in milliseconds. */
export const milliseconds: Field<number> = (value, what, refuse) => {
  if (typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  throw refuse(`${what} must be a number that is not negative`);
};

export const flag: Field<boolean> = (value, what, refuse) => {
  if (typeof value === "boolean") return value;
  throw refuse(`${what} must be true or false`);
};

/** The name of a migration, of a program's run, of a fault. */
export const id: Field<string> = (value, what, refuse) => {
  if (typeof value === "string" && ID.test(value)) return value;
  throw refuse(`${what} must be 1 to 64 letters, digits and dashes`);
};

export function text(lowest: number, highest: number): Field<string> {
  return (value, what, refuse) => {
    if (typeof value === "string" && value.length >= lowest && value.length <= highest) return value;
    throw refuse(`${what} must be a text of ${lowest} to ${highest} characters`);
  };
}

/** A disk's name, by the rules of the classic wire. */
export const diskName: Field<string> = (value, what, refuse) => {
  if (typeof value !== "string") throw refuse(`${what} must be a text`);
  try {
    encodeDeviceName(value);
  } catch {
    throw refuse(`${what} must be 1 to 255 bytes of UTF-8`, "bad-name");
  }
  return value;
};

export function oneOf<const Value extends string>(values: readonly Value[]): Field<Value> {
  return (value, what, refuse) => {
    const found = values.find((known) => known === value);
    if (found !== undefined) return found;
    throw refuse(`${what} must be one of ${values.join(", ")}`);
  };
}

export function list<Item>(item: Field<Item>, lowest: number, highest: number): Field<readonly Item[]> {
  return (value, what, refuse) => {
    if (!Array.isArray(value) || value.length < lowest || value.length > highest) {
      throw refuse(`${what} must be a list of ${lowest} to ${highest}`);
    }
    return value.map((one: unknown, at) => item(one, `${what}[${at}]`, refuse));
  };
}

/** Two whole numbers. */
export function pair(first: Field<number>, second: Field<number>): Field<readonly [number, number]> {
  return (value, what, refuse) => {
    if (!Array.isArray(value) || value.length !== 2) throw refuse(`${what} must be two numbers`);
    return [first(value[0], `${what}[0]`, refuse), second(value[1], `${what}[1]`, refuse)];
  };
}

/** A field that may be left out. */
export function optional<Value>(field: Field<Value>): Field<Value | undefined> {
  return (value, what, refuse) => (value === undefined ? undefined : field(value, what, refuse));
}

/** A JSON object's own keys: what stands in no table here is not looked at. */
export const object: Field<ReadonlyMap<string, unknown>> = (value, what, refuse) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse(`${what} must be an object`);
  return new Map(Object.entries(value));
};

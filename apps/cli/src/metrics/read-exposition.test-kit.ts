/** One line of values, as `name{label="value"}`, labels in order of their names. */
export type Samples = ReadonlyMap<string, number>;

const NAME = /^[a-z][a-z0-9_]*$/;
const SAMPLE = /^([a-z][a-z0-9_]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

/**
 * Reads the text format as strictly as Prometheus' promtool: each metric's HELP and TYPE once and before its values, counters ending in
 * `_total`, no value twice, labels escaped, histograms that add up. Throws at the first line that is otherwise.
 */
export function readExposition(text: string): Samples {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  let current: { readonly name: string; type?: string } | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const [, what, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (what === "HELP") {
      if (!NAME.test(name) || types.has(name)) throw new Error(`again, or no name: ${line}`);
      current = { name };
    } else if (what === "TYPE") {
      if (current?.name !== name || current.type !== undefined) throw new Error(`out of place: ${line}`);
      if (!["counter", "gauge", "histogram"].includes(rest)) throw new Error(`no type: ${line}`);
      if ((rest === "counter") !== name.endsWith("_total")) throw new Error(`not so called: ${line}`);
      types.set(name, (current.type = rest));
    } else {
      const { key, value } = readSample(line, current);
      if (samples.has(key)) throw new Error(`twice: ${line}`);
      samples.set(key, value);
    }
  }
  for (const [name, type] of types) if (type === "histogram") assertAddsUp(name, samples);
  return samples;
}

function readSample(line: string, family: { readonly name: string; readonly type?: string } | undefined) {
  const [, name = "", labels, text = ""] = SAMPLE.exec(line) ?? [];
  const suffixes = family?.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  if (!suffixes.some((suffix) => name === `${family?.name}${suffix}`)) throw new Error(`of no metric: ${line}`);
  const value = text === "+Inf" ? Infinity : Number(text);
  if (Number.isNaN(value)) throw new Error(`no value: ${line}`);
  return { key: `${name}${labels === undefined ? "" : `{${readLabels(labels)}}`}`, value };
}

function readLabels(text: string): string {
  const pairs: string[] = [];
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex;
    const found = LABEL.exec(text);
    if (!found) throw new Error(`no label: ${text.slice(at)}`);
    pairs.push(`${found[1]}="${found[2]}"`);
  }
  return pairs.toSorted().join(",");
}

function assertAddsUp(name: string, samples: Samples): void {
  for (const [key, count] of samples) {
    if (!key.startsWith(`${name}_count{`)) continue;
    const op = /op="[^"]*"/.exec(key)?.[0] ?? "";
    const buckets = [...samples].filter(([each]) => each.startsWith(`${name}_bucket{`) && each.includes(op));
    const values = buckets.map(([, value]) => value);
    if (values.some((value, at) => value < (values[at - 1] ?? 0))) throw new Error(`${key}: buckets that fall`);
    if (!buckets.at(-1)?.[0].includes('le="+Inf"') || values.at(-1) !== count) throw new Error(`${key}: no sum`);
  }
}

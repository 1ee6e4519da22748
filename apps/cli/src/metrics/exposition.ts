/** One value of a metric. */
interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** `_bucket`, `_sum` and `_count` of a histogram. */
  readonly suffix?: string;
}

/** A metric, as Prometheus counts them: all that have one name. */
export interface Family {
  /** With its unit, in base units; a counter's ends in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

/** The Prometheus text format, version 0.0.4. Metrics of which nothing is known yet are left out. */
export function formatFamilies(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(formatFamily)
    .join("");
}

/** What it is called over HTTP. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A gauge of one value; none while it is not known. */
export function gauge(name: string, help: string, value: number | undefined): Family {
  return { name, help, type: "gauge", samples: value === undefined ? [] : [{ value }] };
}

export function counter(name: string, help: string, value: number): Family {
  return { name, help, type: "counter", samples: [{ value }] };
}

function formatFamily({ name, help, type, samples }: Family): string {
  const lines = samples.map(({ suffix = "", labels = {}, value }) => {
    return `${name}${suffix}${formatLabels(labels)} ${formatValue(value)}\n`;
  });
  return `# HELP ${name} ${help.replaceAll("\\", "\\\\")}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** A disk's name is a person's, and may be anything. */
function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function formatValue(value: number): string {
  return value === Infinity ? "+Inf" : String(value);
}

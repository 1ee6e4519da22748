import type { BlockGraph, JobInfo } from "./disk-answers.ts";

/** Why somebody else's work at this disk forbids to move it; undefined if nobody else is at work. */
export function whyBusy(root: string, jobs: readonly JobInfo[], graph: BlockGraph | undefined): string | undefined {
  const nodes = graph && nodesFrom(root, graph);
  // Whose a job is only the graph tells: without it each may be this disk's.
  const job = nodes ? jobAt(nodes, graph) : jobs[0]?.device;
  if (job !== undefined) return sentenceOf(job, jobs);
  const writer = nodes && writerBelow(nodes, graph);
  return writer && `${writer} writes to what it lies on, and those writes are not seen above: end that first`;
}

function sentenceOf(job: string, jobs: readonly JobInfo[]): string {
  const type = jobs.find(({ device }) => device === job)?.type ?? "block";
  return `the ${type} job '${job}' is at work on it: wait for its end, or cancel it (block-job-cancel)`;
}

interface Nodes {
  readonly root: number;
  /** The root, and whatever it lies on. */
  readonly all: ReadonlySet<number>;
}

function nodesFrom(name: string, graph: BlockGraph): Nodes | undefined {
  const root = graph.nodes.find((node) => node.type === "block-driver" && node.name === name)?.id;
  if (root === undefined) return undefined;
  const all = new Set([root]);
  // A set is walked to its end even while it grows.
  for (const parent of all) {
    for (const edge of graph.edges) if (edge.parent === parent) all.add(edge.child);
  }
  return { root, all };
}

function jobAt({ all }: Nodes, graph: BlockGraph): string | undefined {
  const users = new Set(graph.edges.filter(({ child }) => all.has(child)).map(({ parent }) => parent));
  return graph.nodes.find(({ id, type }) => type === "block-job" && users.has(id))?.name;
}

/** Writes through the root mark its bitmaps; those that come in further down mark nothing there. */
function writerBelow({ root, all }: Nodes, graph: BlockGraph): string | undefined {
  const edge = graph.edges.find(
    ({ parent, child, perm }) => child !== root && all.has(child) && !all.has(parent) && perm.includes("write"),
  );
  if (!edge) return undefined;
  const name = graph.nodes.find(({ id }) => id === edge.parent)?.name;
  return name ? `'${name}'` : "an export";
}

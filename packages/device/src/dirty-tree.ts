import { createPage, fillPage, PAGE_GRANULES, seekPage, type Page } from "./dirty-page.ts";

const FANOUT = 64;

/** Marks over some granules. A tree that is all marked or all clear is one word, whatever it spans. */
export type DirtyTree = "clear" | "full" | Page | Branch;

interface Branch {
  readonly kind: "branch";
  readonly children: DirtyTree[];
  marked: number;
}

/** Where a tree stands: how many granules it could hold by its level, and how many of them the disk has. */
export interface Reach {
  readonly span: number;
  readonly granules: number;
}

/** The reach of the lowest tree that holds so many granules. */
export function reachOf(granules: number): Reach {
  let span = PAGE_GRANULES;
  while (span < granules) span *= FANOUT;
  return { span, granules };
}

/** Marks or clears the granules from `from` up to `to`; the tree is consumed, and the result stands in its place. */
export function fillTree(tree: DirtyTree, reach: Reach, from: number, to: number, marked: boolean): DirtyTree {
  const uniform = marked ? "full" : "clear";
  if (tree === uniform || from >= to) return tree;
  if (from === 0 && to === reach.granules) return uniform;

  const mixed = typeof tree === "string" ? split(reach, tree === "full") : tree;
  if (mixed.kind === "page") fillPage(mixed, from, to, marked);
  else fillBranch(mixed, reach, from, to, marked);
  return mixed.marked === countOf(uniform, reach) ? uniform : mixed;
}

/** The first granule at or after `from` that is marked (or is not), or the count of granules if there is none. */
export function seekTree(tree: DirtyTree, reach: Reach, from: number, marked: boolean): number {
  if (from >= reach.granules) return reach.granules;
  if (typeof tree === "string") return (tree === "full") === marked ? from : reach.granules;
  if (tree.kind === "page") return seekPage(tree, reach.granules, from, marked);

  for (let index = Math.floor(from / (reach.span / FANOUT)); index < tree.children.length; index++) {
    const child = childReach(reach, index);
    const found = seekTree(childOf(tree, index), child, Math.max(from - child.start, 0), marked);
    if (found < child.granules) return child.start + found;
  }
  return reach.granules;
}

/** How many granules are marked. */
export function countOf(tree: DirtyTree, reach: Reach): number {
  if (tree === "clear") return 0;
  return tree === "full" ? reach.granules : tree.marked;
}

/** How many pages of bits it holds: the memory it costs. Walks them all; for tests. */
export function countPages(tree: DirtyTree): number {
  if (typeof tree === "string") return 0;
  if (tree.kind === "page") return 1;
  return tree.children.reduce((sum, child) => sum + countPages(child), 0);
}

function split(reach: Reach, marked: boolean): Page | Branch {
  if (reach.span === PAGE_GRANULES) return createPage(reach.granules, marked);
  const length = Math.ceil(reach.granules / (reach.span / FANOUT));
  const children = Array.from({ length }, (): DirtyTree => (marked ? "full" : "clear"));
  return { kind: "branch", children, marked: marked ? reach.granules : 0 };
}

function fillBranch(branch: Branch, reach: Reach, from: number, to: number, marked: boolean): void {
  const span = reach.span / FANOUT;
  for (let index = Math.floor(from / span); index * span < to; index++) {
    const child = childReach(reach, index);
    const before = childOf(branch, index);
    // Counted before it is filled: a page is filled in place.
    branch.marked -= countOf(before, child);
    const after = fillTree(
      before,
      child,
      Math.max(from - child.start, 0),
      Math.min(to - child.start, child.granules),
      marked,
    );
    branch.marked += countOf(after, child);
    branch.children[index] = after;
  }
}

function childOf(branch: Branch, index: number): DirtyTree {
  return branch.children[index] ?? "clear";
}

function childReach(reach: Reach, index: number): Reach & { readonly start: number } {
  const span = reach.span / FANOUT;
  const start = index * span;
  return { span, start, granules: Math.min(span, reach.granules - start) };
}

const POSITION_WIDTH = 14;

/** A line for people: where in the stream, and what. */
export function atPosition(position: number, content: string): string {
  return `${String(position).padStart(POSITION_WIDTH)}  ${content}`;
}

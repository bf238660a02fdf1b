/** Text functions on the paths and names of znodes. */

/** What a server ends a sequential name with: ten digits, or a sign and nine or ten after 2^31 creations. */
const SEQUENCE = /^(?:\d{10}|-\d{9,10})$/;

export function isSequence(text: string): boolean {
  return SEQUENCE.test(text);
}

export function childPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`;
}

/** '/' for a znode right below the root. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * The number that a server has put behind `prefix`, which is negative after 2^31 - 1 creations under one parent; null when
 * the name has none.
 */
export function sequenceAfter(prefix: string, name: string): number | null {
  if (!name.startsWith(prefix)) return null;
  const rest = name.slice(prefix.length);
  return isSequence(rest) ? Number(rest) : null;
}

/** Names in the order of their code units, which is how Java and Python sort them. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

import { compareText, isSequence } from '../znode-name.ts';

/** One child of a directory in which clients stand in line. */
export interface Contender {
  readonly name: string;
  /** What its name says it wants, such as `lock-`. */
  readonly marker: string;
  /** Its number in the line, as in its name. */
  readonly digits: string;
  readonly sequence: number;
}

/** Whose names a recipe uses. `curator`: also understood by Go; kazoo needs a lock class of its own (see `Mutex`). */
export type Layout = 'curator' | 'kazoo';

export const LAYOUTS: readonly Layout[] = ['curator', 'kazoo'];

/** The name before its number, which no other client uses. `id`: 32 hexadecimal digits. */
export function prefixFor(layout: Layout, id: string, marker: string): string {
  if (layout === 'kazoo') return `${id}${marker}`;
  const uuid = `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`;
  return `_c_${uuid}-${marker}`;
}

/**
 * Those children that stand in line with one of the markers, first comes first. Names without are nobody's business. The
 * server's counter goes from 2^31 - 1 to -2^31, so numbers are compared by the way from one to the other.
 */
export function contendersOf(children: readonly string[], markers: readonly string[]): Contender[] {
  const contenders: Contender[] = [];
  for (const name of children) {
    const contender = parseContender(name, markers);
    if (contender !== null) contenders.push(contender);
  }
  return contenders.sort((a, b) => (a.sequence - b.sequence) | 0 || compareText(a.name, b.name));
}

export function parseContender(name: string, markers: readonly string[]): Contender | null {
  for (const marker of markers) {
    const at = name.lastIndexOf(marker);
    const digits = at < 0 ? '' : name.slice(at + marker.length);
    if (isSequence(digits)) return { name, marker, digits, sequence: Number(digits) };
  }
  return null;
}

import { readFileSync } from 'node:fs';
import { limits } from '../../limits.ts';

/** How many connections of clients there are descriptors for, with some left for files and other servers; null: unknown. */
export function connectionsByDescriptors(readLimits: () => string = readOwnLimits): number | null {
  let text: string;
  try {
    text = readLimits();
  } catch {
    return null;
  }
  const most = /^Max open files\s+(\d+)/m.exec(text)?.[1];
  if (most === undefined) return null;
  const all = Number(most);
  return Math.max(1, all - Math.min(limits.reservedDescriptors, Math.floor(all / 2)));
}

function readOwnLimits(): string {
  return readFileSync('/proc/self/limits', 'utf8');
}

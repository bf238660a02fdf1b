import type { Difference } from './compare.ts';
import { aclJson, aclText, valueJson, valueText } from './value-text.ts';
import type { Znode } from './znode.ts';

const MARKS: Readonly<Record<Difference['kind'], string>> = { added: '+', removed: '-', changed: '~' };

/** A difference for people: `+` only after, `-` only before, `~` not the same, with the values. */
export function differenceText(difference: Difference): string {
  const { kind, path, before, after } = difference;
  const head = `${MARKS[kind]} ${path}`;
  if (kind !== 'changed') {
    const znode = (before ?? after) as Znode;
    const type = znode.kind === 'persistent' ? '' : ` ${znode.kind}`;
    return `${head} ${valueText(znode.data)}${type}\n`;
  }
  let text = `${head}\n`;
  if (difference.data) text += `    - ${valueText(before.data)}\n    + ${valueText(after.data)}\n`;
  if (difference.acl) text += `    - acl ${aclText(before.acl)}\n    + acl ${aclText(after.acl)}\n`;
  return text;
}

export function differenceJson({ kind, path, before, after }: Difference): object {
  return { change: kind, path, before: sideJson(before), after: sideJson(after) };
}

function sideJson(znode: Znode | null): object | null {
  if (znode === null) return null;
  return { data: valueJson(znode.data), acl: aclJson(znode.acl), kind: znode.kind, version: znode.stat.version };
}

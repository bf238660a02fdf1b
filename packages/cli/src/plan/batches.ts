import { utf8Length } from '@headkeeper/protocol';
import type { Difference } from '../history/compare.ts';
import type { Znode } from '../history/znode.ts';

/** Half of what a server takes in one request by default (`jute.maxbuffer`); what it makes of it is a little longer. */
const MOST_BYTES = 512 * 1024;
const MOST_OPERATIONS = 1000;
/** Headers and lengths of one operation, at most. */
const FIXED_BYTES = 64;

/** One operation of a transaction. */
export type Step =
  | { readonly kind: 'create'; readonly path: string; readonly znode: Znode }
  | { readonly kind: 'delete'; readonly path: string; readonly version: number }
  | { readonly kind: 'setData'; readonly path: string; readonly data: Uint8Array | null; readonly version: number };

/** Operations that are carried out together or not at all. */
export interface Batch {
  readonly operations: readonly Step[];
  /** As they were read, of those operations that change or remove a znode. */
  readonly expected: readonly Znode[];
  /** Estimate of the request's size. */
  readonly bytes: number;
}

/**
 * Cuts the writes of a plan into batches: znodes are made and set with parents before their children, then removed with
 * children before their parents. Every operation holds the version that the znode had when it was read. Access control
 * lists of existing znodes are not in it: a multi cannot set them.
 */
export function* batchesOf(differences: readonly Difference[]): Generator<Batch> {
  let operations: Step[] = [];
  let expected: Znode[] = [];
  let bytes = 0;
  const pieces = [
    ...differences.filter(({ kind }) => kind !== 'removed'),
    ...differences.filter(({ kind }) => kind === 'removed').reverse(),
  ];
  for (const difference of pieces) {
    const operation = operationOf(difference);
    if (operation === null) continue;
    const size = sizeOf(difference);
    if (operations.length === MOST_OPERATIONS || (operations.length > 0 && bytes + size > MOST_BYTES)) {
      yield { operations, expected, bytes };
      operations = [];
      expected = [];
      bytes = 0;
    }
    operations.push(operation);
    if (difference.before !== null) expected.push(difference.before);
    bytes += size;
  }
  if (operations.length > 0) yield { operations, expected, bytes };
}

function operationOf(difference: Difference): Step | null {
  const { path } = difference;
  switch (difference.kind) {
    case 'added':
      return { kind: 'create', path, znode: difference.after };
    case 'removed':
      return { kind: 'delete', path, version: difference.before.stat.version };
    case 'changed':
      if (!difference.data) return null;
      return { kind: 'setData', path, data: difference.after.data, version: difference.before.stat.version };
  }
}

function sizeOf({ kind, path, after }: Difference): number {
  let size = FIXED_BYTES + utf8Length(path);
  if (kind === 'removed' || after === null) return size;
  size += after.data?.length ?? 0;
  for (const { scheme, id } of kind === 'added' ? after.acl : []) {
    size += 12 + utf8Length(scheme ?? '') + utf8Length(id ?? '');
  }
  return size;
}

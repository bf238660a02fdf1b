import { decodeTxn, OpCode, opNameOf, Reader, type Txn } from '@headkeeper/protocol';
import { LogFileReader } from '../core/log/log-reader.ts';
import { BackupError } from './backup-error.ts';
import type { Catalogue } from './catalogue.ts';
import type { ChainPart } from './chain.ts';
import { historyLines } from './history-lines.ts';
import { parseObjectName } from './naming.ts';
import type { BackupRepository } from './repository.ts';

/** A kind of change of a znode. */
export type SoughtOperation = 'create' | 'delete' | 'setData' | 'setACL';

/** The change that a state is wanted from before. */
export interface SoughtChange {
  readonly path: string;
  /** Null: any. */
  readonly operation: SoughtOperation | null;
}

export interface FoundChange {
  /** The state right before the change, and before what the same session removed below the znode on the way. */
  readonly beforeZxid: number;
  /** The last txn that made such a change. */
  readonly zxid: number;
  readonly timeMs: number;
  readonly session: bigint;
  readonly operation: SoughtOperation;
  /** The first txn that removed something below; the change itself when nothing was. */
  readonly firstZxid: number;
  /** Znodes removed below on the way. */
  readonly removedBelow: number;
}

/** Something that happened at a znode or below it. */
interface Happening {
  readonly zxid: number;
  /** The txn right before. */
  readonly before: number;
  readonly timeMs: number;
  readonly session: bigint;
  readonly operation: SoughtOperation;
  readonly isBelow: boolean;
}

/** Two deletes so far apart, in milliseconds, were not done in one go. */
const ONE_GO_MS = 10_000;

/**
 * Finds the last change of a kind at a znode in the newest history, looking from its end backwards. A znode is removed with all
 * below it by one txn for each, the znode itself last: the search goes back to the first of them, as long as they are of one
 * session and done in one go, with nothing else below in between. Null when there is no such change.
 */
export async function findChange(
  repository: BackupRepository,
  catalogue: Catalogue,
  sought: SoughtChange,
  signal: AbortSignal,
): Promise<FoundChange | null> {
  const unpublished = new Set<string>();
  let listed = catalogue;
  for (;;) {
    try {
      return await lastChange(repository, listed.without(unpublished), sought, signal);
    } catch (error) {
      const manifest = unpublishedAtFault(repository, error);
      if (manifest === null || unpublished.has(manifest)) throw error;
      unpublished.add(manifest);
      // Whoever ships may have replaced small pieces of log by a larger one meanwhile.
      listed = await repository.catalogue(signal);
    }
  }
}

/** The manifest that was never published, or has gone; null for any other error. */
function unpublishedAtFault(repository: BackupRepository, error: unknown): string | null {
  if (!(error instanceof BackupError) || error.problem !== 'damaged' || error.object === null) return null;
  const parsed = parseObjectName(error.object);
  return parsed?.part === 'manifest' && !repository.isPublished(error.object) ? error.object : null;
}

async function lastChange(
  repository: BackupRepository,
  catalogue: Catalogue,
  sought: SoughtChange,
  signal: AbortSignal,
): Promise<FoundChange | null> {
  const line = historyLines(catalogue)[0];
  let last: Happening | null = null;
  let first: Happening | null = null;
  let removedBelow = 0;
  for (const part of line?.parts.toReversed() ?? []) {
    if (first !== null) {
      const { maxTimeMs } = await repository.logManifest(part.log, signal);
      if (maxTimeMs < first.timeMs - ONE_GO_MS) break;
    }
    const happenings = await happeningsOf(repository, part, sought.path, signal);
    for (const happening of happenings.toReversed()) {
      if (last === null || first === null) {
        if (!isSought(happening, sought)) continue;
        last = happening;
        first = happening;
      } else if (belongsTo(happening, first)) {
        first = happening;
        removedBelow++;
      } else {
        return found(first, last, removedBelow);
      }
      if (last.operation !== 'delete') return found(first, last, removedBelow);
    }
  }
  return last === null || first === null ? null : found(first, last, removedBelow);
}

/** Whether a session removed this right before what it removed next. */
function belongsTo({ operation, isBelow, session, timeMs }: Happening, next: Happening): boolean {
  return operation === 'delete' && isBelow && session === next.session && timeMs >= next.timeMs - ONE_GO_MS;
}

function isSought({ operation, isBelow }: Happening, sought: SoughtChange): boolean {
  return !isBelow && (sought.operation === null || sought.operation === operation);
}

function found(first: Happening, last: Happening, removedBelow: number): FoundChange {
  const { zxid, timeMs, session, operation } = last;
  return { beforeZxid: first.before, zxid, timeMs, session, operation, firstZxid: first.zxid, removedBelow };
}

async function happeningsOf(
  repository: BackupRepository,
  part: ChainPart,
  path: string,
  signal: AbortSignal,
): Promise<Happening[]> {
  const happenings: Happening[] = [];
  const below = path === '/' ? '/' : `${path}/`;
  let before = part.afterZxid;
  const input = new Reader(new Uint8Array(0));
  const reader = new LogFileReader(repository.maxRecordBytes, (bytes, view, start, end) => {
    input.reset(bytes, view, start, end);
    const txn = decodeTxn(input);
    const { zxid, time: timeMs, clientId: session } = txn.header;
    if (zxid <= part.afterZxid || zxid > part.toZxid) return;
    for (const [operation, touched] of changesOf(txn)) {
      const isBelow = touched !== path;
      if (isBelow && !touched.startsWith(below)) continue;
      happenings.push({ zxid, before, timeMs, session, operation, isBelow });
    }
    before = zxid;
  });
  for await (const chunk of repository.openLog(part.log, signal)) reader.push(chunk);
  reader.finish();
  return happenings;
}

function changesOf(txn: Txn): [SoughtOperation, string][] {
  if (txn.op === 'closeSession') return (txn.body.paths2Delete ?? []).map((path) => ['delete', path]);
  if (txn.op !== 'multi') return changeOf(txn.op, txn.body);
  // A failed one changes nothing.
  if (txn.body.txns.some(({ type }) => type === OpCode.error)) return [];
  return txn.body.txns.flatMap(({ type, body }) => changeOf(opNameOf(type) ?? '', body));
}

function changeOf(op: string, body: object): [SoughtOperation, string][] {
  const path = 'path' in body && typeof body.path === 'string' ? body.path : null;
  if (path === null) return [];
  switch (op) {
    case 'create':
    case 'create2':
    case 'createTTL':
    case 'createContainer':
      return [['create', path]];
    case 'delete':
    case 'deleteContainer':
      return [['delete', path]];
    case 'setData':
    case 'setACL':
      return [[op, path]];
    default:
      return [];
  }
}

import { ErrorCode } from '@headkeeper/protocol';
import { RequestError } from '../connection/request-error.ts';
import { ConnectionLost } from '../connection/session.ts';
import type { ZnodeClient } from '../connection/znode-client.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import type { Difference } from '../history/compare.ts';
import type { Znode } from '../history/znode.ts';
import { startProgress } from '../progress.ts';
import { type Batch, batchesOf } from './batches.ts';

/** Default of `jute.maxbuffer`, bytes. */
const DEFAULT_LIMIT = 0xfffff;

/** Errors that say that the server does not hold what was read before. */
const CHANGED: ReadonlySet<number> = new Set<number>([
  ErrorCode.badVersion,
  ErrorCode.noNode,
  ErrorCode.nodeExists,
  ErrorCode.notEmpty,
]);

export interface CarriedOut {
  readonly transactions: number;
  readonly changes: number;
}

/** The numbers for people. */
export function carriedOutText({ changes, transactions }: CarriedOut): string {
  return `${changes} ${changes === 1 ? 'change' : 'changes'} in ${transactions} ${transactions === 1 ? 'transaction' : 'transactions'}`;
}

/**
 * Writes a plan to the server, batch by batch, then the access control lists, one by one. Before each batch its znodes are
 * looked at again, and each operation has the version that it was planned for: what has changed since is not overwritten.
 *
 * @throws CommandError that says how much was carried out: with the code for a change meanwhile, or another one.
 */
export async function carryOut(client: ZnodeClient, differences: readonly Difference[]): Promise<CarriedOut> {
  const lists = differences.filter((difference) => difference.kind === 'changed' && difference.acl);
  const batches = [...batchesOf(differences)];
  const total = batches.reduce((sum, { operations }) => sum + operations.length, 0) + lists.length;
  const progress = startProgress('Writing', 'znodes', total);
  let changes = 0;
  let transactions = 0;
  let bytes = 0;
  try {
    for (const batch of batches) {
      bytes = batch.bytes;
      await writeBatch(client, batch);
      changes += batch.operations.length;
      transactions++;
      progress.at(changes);
    }
    bytes = 0;
    for (const list of lists) {
      await writeAcl(client, list);
      changes++;
      transactions++;
      progress.at(changes);
    }
  } catch (error) {
    throw explained(error, `${changes} of ${total} changes were made before.`, bytes);
  } finally {
    progress.end();
  }
  return { transactions, changes };
}

async function writeBatch(client: ZnodeClient, batch: Batch): Promise<void> {
  await Promise.all(
    batch.expected.map(async (before) => {
      const now = await client.exists(before.path);
      // A znode that was removed and made again can have the old version.
      if (now?.czxid !== before.stat.czxid || now.mzxid !== before.stat.mzxid) throw new ChangedMeanwhile(before);
    }),
  );
  await client.multi(batch.operations);
}

async function writeAcl(client: ZnodeClient, { path, before, after }: Difference): Promise<void> {
  if (before === null || after === null) return;
  const now = await client.exists(path);
  if (now?.czxid !== before.stat.czxid) throw new ChangedMeanwhile(before);
  await client.setAcl(path, after.acl, before.stat.aversion);
}

class ChangedMeanwhile extends Error {
  constructor({ path }: Znode) {
    super(`${path} was changed meanwhile`);
    this.name = 'ChangedMeanwhile';
  }
}

function explained(error: unknown, done: string, bytes: number): unknown {
  const again = 'Run the command again to see what is left';
  if (error instanceof ChangedMeanwhile || (error instanceof RequestError && CHANGED.has(error.code))) {
    return new CommandError(`${error.message}; it was not overwritten. ${done} ${again}.`, ExitCode.changedMeanwhile);
  }
  if (error instanceof ConnectionLost) {
    const large =
      bytes > DEFAULT_LIMIT
        ? ` It held a znode of about ${bytes} bytes: is the server's jute.maxbuffer that large?`
        : '';
    return new CommandError(
      `${error.message}. ${done} Whether the last transaction was, is not known.${large} ${again}.`,
    );
  }
  if (error instanceof RequestError) return new CommandError(`${error.message}. ${done}`);
  return error;
}

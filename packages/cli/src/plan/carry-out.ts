import {
  type Acl,
  type Client,
  type Transaction,
  TransactionError,
  ZooKeeperError,
  type ZooKeeperErrorCode,
} from '@headkeeper/client';
import { requestText } from '../connection/request-text.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import type { Difference } from '../history/compare.ts';
import type { Znode } from '../history/znode.ts';
import { startProgress } from '../progress.ts';
import { type Batch, batchesOf, type Step } from './batches.ts';

/** Default of `jute.maxbuffer`, bytes. */
const DEFAULT_LIMIT = 0xfffff;

/** Errors that say that the server does not hold what was read before. */
const CHANGED: readonly ZooKeeperErrorCode[] = ['badVersion', 'noNode', 'nodeExists', 'notEmpty'];

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
export async function carryOut(client: Client, differences: readonly Difference[]): Promise<CarriedOut> {
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

async function writeBatch(client: Client, batch: Batch): Promise<void> {
  await Promise.all(
    batch.expected.map(async (before) => {
      const now = await client.exists(before.path);
      // A znode that was removed and made again can have the old version.
      if (now?.czxid !== before.stat.czxid || now.mzxid !== before.stat.mzxid) throw new ChangedMeanwhile(before);
    }),
  );
  let transaction: Transaction<readonly unknown[]> = client.transaction();
  for (const step of batch.operations) transaction = withStep(transaction, step);
  try {
    await transaction.commit();
  } catch (error) {
    if (error instanceof TransactionError) throw new StepFailed(error, batch.operations[error.index]?.kind ?? 'multi');
    throw error;
  }
}

function withStep(transaction: Transaction<readonly unknown[]>, step: Step): Transaction<readonly unknown[]> {
  switch (step.kind) {
    case 'create': {
      const { data, acl, kind, ttlMs } = step.znode;
      return transaction.create(step.path, data, {
        acl: acl as readonly Acl[],
        ...(kind === 'container' ? { mode: 'container' } : {}),
        ...(kind === 'ttl' && ttlMs !== null ? { ttlMs } : {}),
      });
    }
    case 'delete':
      return transaction.delete(step.path, { version: step.version });
    case 'setData':
      return transaction.setData(step.path, step.data, { version: step.version });
  }
}

/** An operation that a server refused, and which the others went with. */
class StepFailed extends Error {
  override readonly cause: TransactionError;

  constructor(cause: TransactionError, operation: Step['kind'] | 'multi') {
    super(requestText(cause, operation));
    this.name = 'StepFailed';
    this.cause = cause;
  }
}

async function writeAcl(client: Client, { path, before, after }: Difference): Promise<void> {
  if (before === null || after === null) return;
  const now = await client.exists(path);
  if (now?.czxid !== before.stat.czxid) throw new ChangedMeanwhile(before);
  await client.setACL(path, after.acl as readonly Acl[], { version: before.stat.aversion });
}

class ChangedMeanwhile extends Error {
  constructor({ path }: Znode) {
    super(`${path} was changed meanwhile`);
    this.name = 'ChangedMeanwhile';
  }
}

function explained(error: unknown, done: string, bytes: number): unknown {
  const again = 'Run the command again to see what is left';
  const failure = error instanceof StepFailed ? error.cause : error;
  if (error instanceof ChangedMeanwhile) return changed(error.message, done, again);
  if (!(failure instanceof ZooKeeperError)) return error;
  const text = error instanceof StepFailed ? error.message : requestText(failure);
  if (CHANGED.includes(failure.code)) return changed(text, done, again);
  if (failure.outcome !== 'unknown') return new CommandError(`${text}. ${done}`);
  const large =
    bytes > DEFAULT_LIMIT ? ` It held a znode of about ${bytes} bytes: is the server's jute.maxbuffer that large?` : '';
  return new CommandError(`${text}. ${done} Whether the last transaction was, is not known.${large} ${again}.`);
}

function changed(what: string, done: string, again: string): CommandError {
  return new CommandError(`${what}; it was not overwritten. ${done} ${again}.`, ExitCode.changedMeanwhile);
}

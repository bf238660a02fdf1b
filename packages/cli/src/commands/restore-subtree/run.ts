import { once } from 'node:events';
import process from 'node:process';
import type { Client } from '@headkeeper/client';
import { type ConnectionOptions, openRootClient } from '../../connection/connection-options.ts';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { DatabaseTree } from '../../history/database-tree.ts';
import { type HistorySource, stateAt } from '../../history/history-source.ts';
import { readLiveTree } from '../../history/live-tree.ts';
import { type Moment, momentText, zxidText } from '../../history/moment.ts';
import type { SourceOptions } from '../../history/source-options.ts';
import { withHistory } from '../../history/with-history.ts';
import { isSystemPath, parentPath, requirePath, type ZnodeTree } from '../../history/znode.ts';
import { carriedOutText, carryOut } from '../../plan/carry-out.ts';
import { confirm } from '../../plan/confirm.ts';
import { planJson, planText } from '../../plan/plan-text.ts';
import { planRestore, type WritePlan } from '../../plan/write-plan.ts';

export interface RestoreSubtreeOptions extends SourceOptions, ConnectionOptions {
  readonly path: string;
  /** Connect string, without a chroot: the past has whole paths. */
  readonly server: string;
  readonly moment: Moment;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/**
 * Brings one subtree of a running server or ensemble back to an earlier state, as transactions: shows what differs, asks,
 * and writes. Ephemerals are left out on both sides.
 *
 * @throws CommandError for wrong arguments, a history that does not reach that far, and what a server refuses.
 */
export async function restoreSubtree(options: RestoreSubtreeOptions): Promise<void> {
  const top = requirePath(options.path);
  if (isSystemPath(top)) {
    throw new CommandError(
      'what is in /zookeeper belongs to the servers and cannot be restored by itself',
      ExitCode.usage,
    );
  }
  await withHistory(options, async (source) => {
    const client = await openRootClient(options.server, options);
    try {
      await restoreFrom(source, client, top, options);
    } finally {
      await client.close();
    }
  });
}

async function restoreFrom(
  source: HistorySource,
  client: Client,
  top: string,
  options: RestoreSubtreeOptions,
): Promise<void> {
  const zxid = await source.zxidAt(options.moment);
  const wanted = new DatabaseTree(await stateAt(source, zxid));
  for (const warning of source.warnings) process.stderr.write(`headkeeper: ${warning}\n`);
  const plan = planRestore(await readLiveTree(client, top), wanted, top);
  await requireSense(client, plan, wanted, top, momentText(options.moment));
  await show(plan, zxid, top, options);
  if (plan.differences.length === 0 || options.dryRun) return;
  if (!options.yes && !(await confirm(`Write this to ${options.server}?`))) {
    process.stderr.write('Nothing was written.\n');
    return;
  }
  const done = await carryOut(client, plan.differences);
  const text = `${top} is as it was at ${zxidText(zxid)}: ${carriedOutText(done)}\n`;
  process.stdout.write(options.json ? `${JSON.stringify({ restored: top, zxid: zxidText(zxid), ...done })}\n` : text);
}

async function requireSense(
  client: Client,
  plan: WritePlan,
  wanted: ZnodeTree,
  top: string,
  when: string,
): Promise<void> {
  const [first] = plan.differences;
  if (wanted.get(top) === null && plan.differences.length === 0 && plan.left.length === 0) {
    throw new CommandError(`${top} does not exist, and did not at ${when}`);
  }
  if (first?.kind !== 'added' || first.path !== top) return;
  const parent = parentPath(top);
  if ((await client.exists(parent)) === null) {
    throw new CommandError(`${parent} does not exist on the server: restore that instead, or create it first`);
  }
}

async function show(plan: WritePlan, zxid: number, top: string, options: RestoreSubtreeOptions): Promise<void> {
  const asked = options.moment.kind === 'zxid' ? '' : ` (${momentText(options.moment)})`;
  const text = options.json
    ? planJson(plan)
    : `${top} on ${options.server}, back to ${zxidText(zxid)}${asked}:\n${planText(plan)}`;
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

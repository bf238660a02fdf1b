import process from 'node:process';
import type { Client } from '@headkeeper/client';
import { type ConnectionOptions, openClient } from '../../connection/connection-options.ts';
import { readExport } from '../../exchange/import-file.ts';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { readLivePaths } from '../../history/live-tree.ts';
import { MapTree } from '../../history/map-tree.ts';
import { isSystemPath, parentPath, requirePath } from '../../history/znode.ts';
import { carriedOutText, carryOut } from '../../plan/carry-out.ts';
import { planJson, planText } from '../../plan/plan-text.ts';
import { type IfExists, planImport } from '../../plan/write-plan.ts';

export interface ImportOptions extends ConnectionOptions {
  readonly server: string;
  readonly ifExists: IfExists;
  readonly dryRun?: true;
  readonly json?: true;
}

/** So many of the znodes that are in the way are named. */
const NAMED = 5;

/**
 * Writes what a file holds into a running server, at and below a path, as transactions.
 *
 * @throws CommandError for a file that cannot be read, znodes that exist and may not, and what a server refuses.
 */
export async function runImport(file: string, path: string, options: ImportOptions): Promise<void> {
  const top = requirePath(path);
  if (isSystemPath(top)) {
    throw new CommandError('what is in /zookeeper belongs to the servers and cannot be imported', ExitCode.usage);
  }
  const wanted = new MapTree();
  for (const znode of await readExport(file, top)) if (!isSystemPath(znode.path)) wanted.add(znode);
  const client = await openClient(options.server, options);
  try {
    const live = await readLivePaths(client, wanted.paths());
    const plan = planImport(live, wanted, top, options.ifExists);
    if (options.ifExists === 'fail' && plan.existing.length > 0) throw conflict(plan.existing);
    await requireParent(client, top, plan.differences.length);
    if (options.dryRun || !options.json) process.stdout.write(options.json ? planJson(plan) : planText(plan));
    if (options.dryRun) return;
    const done = await carryOut(client, plan.differences);
    const text = `${carriedOutText(done)}\n`;
    process.stdout.write(options.json ? `${JSON.stringify({ imported: top, ...done, left: plan.left })}\n` : text);
  } finally {
    await client.close();
  }
}

function conflict(existing: readonly string[]): CommandError {
  const more = existing.length > NAMED ? ` and ${existing.length - NAMED} more` : '';
  return new CommandError(
    `${existing.slice(0, NAMED).join(', ')}${more} exist already; nothing was written. --if-exists skip leaves such ` +
      'znodes as they are, --if-exists replace gives them the data and access control lists of the file',
    ExitCode.conflict,
  );
}

async function requireParent(client: Client, top: string, changes: number): Promise<void> {
  const parent = parentPath(top);
  if (changes === 0 || parent === '/') return;
  if ((await client.exists(parent)) === null) {
    throw new CommandError(`${parent} does not exist on the server: create it first`);
  }
}

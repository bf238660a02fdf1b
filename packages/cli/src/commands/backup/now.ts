import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import process from 'node:process';
import { backUpDataDir, backUpSnapshot, createNodeDisk, type DataDirBackup } from '@headkeeper/server/internal';
import { askAdmin, authorizationOf, isAdminAddress } from '../../backup/admin-client.ts';
import { type OpenBackup, withBackup } from '../../backup/open-repository.ts';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { newRecoveredState } from '../../history/history-source.ts';
import { zxidText } from '../../history/moment.ts';
import { bytesText, durationText, plural, startProgress } from '../../progress.ts';
import type { NowOptions } from './option-types.ts';

/** What was kept. */
interface NowReport extends DataDirBackup {
  readonly target: string;
}

/**
 * Makes a full backup of a data directory or of a running server.
 *
 * @throws CommandError for wrong arguments, a target that cannot be used, a damaged directory, and a server that refuses.
 */
export async function runNow(options: NowOptions): Promise<void> {
  const { server } = options;
  const auth = authOf(options);
  if (server !== undefined) {
    if (!isAdminAddress(server)) {
      throw new CommandError(
        `--server ${server}: expected the address of an AdminServer, http://host:8080`,
        ExitCode.usage,
      );
    }
    if (options.dataDir !== undefined) throw new CommandError('give --server or --data-dir, not both', ExitCode.usage);
    if (options.config === undefined && options.target === undefined) return askServer(server, auth, options);
  }
  const began = performance.now();
  await withBackup(options, true, async (backup) => {
    const report = server === undefined ? await ofDirectory(backup, options) : await ofServer(backup, server, auth);
    const took = performance.now() - began;
    process.stdout.write(options.json === true ? `${json(report, took)}\n` : text(report, took));
  });
}

/** The server makes the backup itself. */
async function askServer(server: string, auth: string | null, options: NowOptions): Promise<void> {
  await askAdmin(server, 'backup?now=true', auth, new AbortController().signal, 'POST');
  const asked = { asked: server };
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify(asked)}\n`
      : `${server} makes a full backup now; "headkeeper backup status --server ${server}" shows when it is done\n`,
  );
}

async function ofDirectory({ repository, config, signal }: OpenBackup, options: NowOptions): Promise<NowReport> {
  const dataDir = options.dataDir ?? config?.dataDir;
  if (dataDir === undefined) {
    throw new CommandError('say what to back up: --data-dir, or --server with an AdminServer', ExitCode.usage);
  }
  const configured = options.dataDir === undefined ? config?.dataLogDir : undefined;
  const disk = createNodeDisk();
  const dataLogDir = options.dataLogDir ?? configured ?? dataDir;
  for (const folder of [dataDir, dataLogDir]) {
    if (!disk.existsSync(`${folder}/version-2`)) {
      throw new CommandError(`${folder} is no data directory: it has no folder version-2`, ExitCode.dataDirectory);
    }
  }
  const progress = startProgress('Backing up', 'bytes', null);
  try {
    const done = await backUpDataDir({
      repository,
      disk,
      dataDir,
      dataLogDir,
      newState: newRecoveredState,
      by: `headkeeper backup now on ${hostname()}`,
      compression: config?.backupCompression ?? 'gzip',
      nowMs: Date.now,
      signal,
      progress: (bytes, total) => progress.at(bytes, total),
    });
    return { target: repository.target.description, ...done };
  } finally {
    progress.end();
  }
}

async function ofServer(
  { repository, config, signal }: OpenBackup,
  server: string,
  auth: string | null,
): Promise<NowReport> {
  const { headers, body } = await askAdmin(server, 'snapshot?streaming=true', auth, signal);
  const named = headers.get('last_zxid') ?? '';
  if (!/^0x[0-9a-f]{1,14}$/i.test(named)) {
    throw new CommandError(`${server} does not say which zxid its snapshot is of`, ExitCode.refused);
  }
  const size = Number(headers.get('snapshot_size'));
  const progress = startProgress('Receiving', 'bytes', Number.isSafeInteger(size) && size > 0 ? size : null);
  try {
    const { full, zxid } = await backUpSnapshot({
      repository,
      snapshot: body,
      namedZxid: Number(named),
      newState: newRecoveredState,
      by: `headkeeper backup now on ${hostname()} from ${new URL(server).host}`,
      compression: config?.backupCompression ?? 'gzip',
      nowMs: Date.now,
      signal,
      received: (bytes) => progress.at(bytes),
    });
    const bytes = full?.file.storedBytes ?? 0;
    const target = repository.target.description;
    return { target, full, zxid, historyFromZxid: zxid, segments: 0, txns: 0, bytes, warnings: [] };
  } finally {
    progress.end();
  }
}

function authOf({ auth, authFile }: NowOptions): string | null {
  if (auth !== undefined) return authorizationOf(auth);
  if (authFile === undefined) return null;
  try {
    return authorizationOf(readFileSync(authFile, 'utf8').split(/\r?\n/, 1)[0] ?? '');
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`cannot read ${authFile}: ${(error as Error).message}`, ExitCode.usage);
  }
}

function text(report: NowReport, tookMs: number): string {
  const { full, zxid, historyFromZxid, segments, txns, target } = report;
  const state =
    full === null
      ? `${target} has had a full backup of zxid ${zxidText(zxid)} already`
      : `Backed up zxid ${zxidText(zxid)} to ${target}: ${plural(full.znodes, 'znode')}, ${bytesText(report.bytes)} stored, ` +
        `in ${durationText(tookMs)}`;
  const lines = [state];
  if (segments > 0) {
    lines.push(
      `  with ${plural(txns, 'txn')} of its log in ${plural(segments, 'piece')}: ` +
        `every state since ${zxidText(historyFromZxid)} can be restored`,
    );
  }
  for (const warning of report.warnings) lines.push(`  note: ${warning}`);
  return `${lines.join('\n')}\n`;
}

function json(report: NowReport, tookMs: number): string {
  const { full, zxid, historyFromZxid, ...rest } = report;
  return JSON.stringify({
    ...rest,
    zxid: zxidText(zxid),
    historyFrom: zxidText(historyFromZxid),
    full:
      full === null
        ? null
        : { znodes: full.znodes, sessions: full.sessions, digest: full.digest, object: full.file.object },
    tookMs: Math.round(tookMs),
  });
}

import { rmdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { zxidIn } from '@headkeeper/protocol';
import {
  BackupError,
  type BackupRepository,
  type BackupState,
  type Catalogue,
  checkRestoreFolder,
  createNodeDisk,
  EPOCH_JUMP,
  epochBeyond,
  greatestEpoch,
  type LogEntry,
  lockFolder,
  type RaisedEpoch,
  type RestoreFolder,
  type RestoreWorld,
  raiseEpoch,
  restoreState,
  writeRestored,
} from '@headkeeper/server/internal';
import { type OpenBackup, withBackup } from '../../backup/open-repository.ts';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { replaySettings } from '../../history/history-source.ts';
import { startProgress } from '../../progress.ts';
import type { RestoreOptions } from './option-types.ts';
import { type RestoreReport, reportJson, reportText } from './report.ts';
import { findPoint, parseWish, type RestorePoint, type RestoreWish, restorableText } from './restore-point.ts';

const WORLD: RestoreWorld = { disk: createNodeDisk(), lock: lockFolder, removeFolder: rmdirSync };
/** A backup that has grown so recently, in milliseconds, is one that a server is still working on. */
const STILL_GROWING_MS = 60_000;

/**
 * Restores a state out of a backup into empty data directories.
 *
 * @throws CommandError for wrong arguments, a backup that cannot be used or does not hold the state, and directories that
 * must not be written.
 */
export async function runRestore(options: RestoreOptions): Promise<void> {
  const wish = parseWish(options);
  await withBackup(options, false, async (backup) => {
    const folders = foldersOf(options, backup);
    for (const folder of folders) checkRestoreFolder(WORLD.disk, folder);
    const report = await restore(backup, wish, folders, options);
    process.stdout.write(options.json === true ? `${reportJson(report)}\n` : reportText(report));
  });
}

/**
 * Brings one subtree of a running server back.
 *
 * @throws CommandError for wrong arguments, and as `restoreSubtree`.
 */
export async function runSubtreeRestore(znode: string, options: RestoreOptions): Promise<void> {
  const { server, fromDataDir, fromDataLogDir, dataDir, servers, before, to, toZxid, toTime, ...rest } = options;
  if (server === undefined) throw new CommandError('--path needs --server: the servers to write to', ExitCode.usage);
  if (dataDir !== undefined || servers !== undefined) {
    throw new CommandError('--data-dir and --servers do not go with --path', ExitCode.usage);
  }
  const wish = parseWish({ ...options });
  const { restoreSubtree } = await import('../restore-subtree/run.ts');
  await restoreSubtree({
    ...rest,
    ...(fromDataDir === undefined ? {} : { dataDir: fromDataDir }),
    ...(fromDataLogDir === undefined ? {} : { dataLogDir: fromDataLogDir }),
    path: znode,
    server,
    moment: wish.kind === 'latest' ? { kind: 'now' } : wish,
    yes: options.yes === true,
    dryRun: options.dryRun === true,
    json: options.json === true,
  });
}

async function restore(
  { repository, signal }: OpenBackup,
  wish: RestoreWish,
  folders: readonly RestoreFolder[],
  options: RestoreOptions,
): Promise<RestoreReport> {
  const catalogue = await repository.catalogue(signal);
  const { point, state } = await stateOf(repository, catalogue, wish, signal);
  const raised = await epochFor(repository, state.database.lastZxid, options, signal);
  const newEpoch = raised?.epoch ?? null;
  const full = await repository.fullManifest(state.chain.full, signal);
  const { database, summary } = state;
  const timeMs = summary.lastTxnTimeMs ?? full.txnTimeMs;
  const about = {
    from: repository.target.description,
    zxid: database.lastZxid,
    timeMs,
    fullZxid: state.chain.full.zxid,
    pieces: state.chain.parts.length,
    txns: summary.txns,
    znodes: database.tree.store.size,
    sessions: database.sessions.size,
    ephemerals: database.sessions.ephemeralCount(),
    folders,
    newEpoch,
    notes: [
      ...point.notes,
      ...state.warnings,
      ...(await growingNotes(repository, catalogue, signal)),
      ...(raised?.notes ?? []),
    ],
  };
  if (options.dryRun === true) return { ...about, written: null };
  const progress = startProgress('Writing', 'znodes', about.znodes);
  try {
    const data = {
      database,
      zxid: about.zxid,
      timeMs: timeMs ?? full.takenMs,
      withDigest: full.digest !== null,
      newEpoch,
    };
    return { ...about, written: writeRestored(WORLD, folders, data, (done, total) => progress.at(done, total)) };
  } finally {
    progress.end();
  }
}

/** The epoch in which the history goes on; null: in that of the backup. A dry run leaves no mark. */
async function epochFor(
  repository: BackupRepository,
  zxid: number,
  { bumpEpoch, dryRun }: RestoreOptions,
  signal: AbortSignal,
): Promise<RaisedEpoch | null> {
  if (bumpEpoch === false) return null;
  const jump = typeof bumpEpoch === 'number' ? bumpEpoch : null;
  if (dryRun !== true) return raiseEpoch(repository, jump, zxid, Date.now(), signal);
  const { epoch, warnings } = await greatestEpoch(repository, await repository.catalogue(signal), signal);
  return { epoch: epochBeyond(zxidIn(epoch, 0), jump ?? EPOCH_JUMP), notes: warnings };
}

/** The state in memory, every checksum on the way compared. */
async function stateOf(
  repository: BackupRepository,
  catalogue: Catalogue,
  wish: RestoreWish,
  signal: AbortSignal,
): Promise<{ point: RestorePoint; state: BackupState }> {
  const progress = startProgress('Reading the backup', 'bytes', null);
  try {
    const point = await findPoint(repository, catalogue, wish, signal);
    const state = await restoreState(repository, catalogue, {
      // Latest is what can be believed: a manifest that is half written promises nothing.
      toZxid: wish.kind === 'latest' ? null : point.zxid,
      settings: replaySettings(),
      signal,
      progress: ({ bytes, totalBytes }) => progress.at(bytes, totalBytes),
    });
    return { point, state };
  } catch (error) {
    if (!(error instanceof BackupError) || (error.problem !== 'gap' && error.problem !== 'not-covered')) throw error;
    throw new CommandError(`${error.message}\n${restorableText(catalogue)}`, ExitCode.notCovered);
  } finally {
    progress.end();
  }
}

/** A server that goes on shipping is one that the restored ones must never meet. */
async function growingNotes(
  repository: BackupRepository,
  catalogue: Catalogue,
  signal: AbortSignal,
): Promise<string[]> {
  const newest = catalogue.logs.reduce<LogEntry | null>(
    (latest, log) => (latest === null || log.publishedMs > latest.publishedMs ? log : latest),
    null,
  );
  const age = newest === null ? Number.POSITIVE_INFINITY : Date.now() - newest.publishedMs;
  if (newest === null || age > STILL_GROWING_MS) return [];
  const by = await repository.logManifest(newest, signal).then(
    (manifest) => manifest.by,
    () => '',
  );
  if (by.startsWith('headkeeper backup now')) return [];
  const seconds = Math.max(0, Math.round(age / 1000));
  return [
    `NOTE: ${by === '' ? 'somebody' : by} added to the backup ${seconds} s ago and may still be running. Stop all old ` +
      'servers before the restored ones start.',
  ];
}

function foldersOf(options: RestoreOptions, { config }: OpenBackup): RestoreFolder[] {
  const dataDir = options.dataDir ?? config?.dataDir;
  if (dataDir === undefined) {
    throw new CommandError('say where the data goes: --data-dir with an empty folder', ExitCode.usage);
  }
  const configured = options.dataDir === undefined ? config?.dataLogDir : undefined;
  const dataLogDir = options.dataLogDir ?? configured ?? dataDir;
  if (options.servers === undefined) return [{ dataDir, dataLogDir, myid: null }];
  if (options.dataDir === undefined) {
    throw new CommandError('--servers needs --data-dir: the folder for the folders of the servers', ExitCode.usage);
  }
  return options.servers.map((sid) => ({
    dataDir: path.join(dataDir, String(sid)),
    dataLogDir: path.join(dataLogDir, String(sid)),
    myid: sid,
  }));
}

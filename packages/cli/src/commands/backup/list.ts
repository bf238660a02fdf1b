import process from 'node:process';
import {
  BackupError,
  type Catalogue,
  type FullEntry,
  type FullManifest,
  gapsBetween,
  historyLines,
  restorableFrom,
} from '@headkeeper/server/internal';
import { type OpenBackup, withBackup } from '../../backup/open-repository.ts';
import { table } from '../../backup/text-table.ts';
import { zxidText } from '../../history/moment.ts';
import { bytesText, countText, plural } from '../../progress.ts';
import type { ListOptions } from './option-types.ts';

interface ListedFull {
  readonly entry: FullEntry;
  /** Null when its manifest is damaged. */
  readonly manifest: FullManifest | null;
  readonly problem: string | null;
}

interface Listing {
  readonly target: string;
  readonly id: string;
  readonly createdMs: number;
  readonly encrypted: boolean;
  readonly fulls: readonly ListedFull[];
  readonly pieces: number;
  readonly bytes: number;
  readonly leftovers: number;
  readonly strangers: readonly string[];
  readonly ranges: readonly Range[];
  readonly gaps: readonly { readonly afterZxid: number | null; readonly toZxid: number }[];
}

/** Zxids each of which can be restored. */
interface Range {
  readonly from: number;
  readonly to: number;
  /** By the headers of the txns, milliseconds since 1970; null when that is not known. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/**
 * Prints what a backup holds.
 *
 * @throws CommandError when it cannot be read.
 */
export async function runList(options: ListOptions): Promise<void> {
  await withBackup(options, false, async (backup) => {
    const listing = await listingOf(backup);
    process.stdout.write(options.json === true ? `${json(listing)}\n` : text(listing));
  });
}

async function listingOf({ repository, signal }: OpenBackup): Promise<Listing> {
  const catalogue = await repository.catalogue(signal);
  const fulls: ListedFull[] = [];
  for (const entry of catalogue.fulls) {
    try {
      fulls.push({ entry, manifest: await repository.fullManifest(entry, signal), problem: null });
    } catch (error) {
      if (!(error instanceof BackupError) || error.problem !== 'damaged') throw error;
      fulls.push({ entry, manifest: null, problem: error.message });
    }
  }
  const lines = historyLines(catalogue);
  const ranges: Range[] = [];
  for (const line of lines) {
    const from = restorableFrom(line);
    if (from === null) continue;
    const first = fulls.find(({ entry }) => entry.zxid === from)?.manifest ?? null;
    const last = line.parts.at(-1);
    const toMs = last === undefined ? (first?.txnTimeMs ?? null) : await lastTimeOf({ repository, signal }, last.log);
    ranges.push({ from, to: line.toZxid, fromMs: first?.txnTimeMs ?? first?.takenMs ?? null, toMs });
  }
  const { head } = repository;
  return {
    target: repository.target.description,
    id: head.id,
    createdMs: head.createdMs,
    encrypted: head.encryption !== null,
    fulls,
    pieces: catalogue.logs.length,
    bytes: bytesOf(catalogue),
    leftovers: catalogue.leftovers.length,
    strangers: catalogue.strangers.map(({ name }) => name),
    ranges,
    gaps: gapsBetween(lines),
  };
}

async function lastTimeOf(
  { repository, signal }: Pick<OpenBackup, 'repository' | 'signal'>,
  log: Parameters<typeof repository.logManifest>[0],
): Promise<number | null> {
  try {
    return (await repository.logManifest(log, signal)).lastTimeMs;
  } catch (error) {
    if (error instanceof BackupError && error.problem === 'damaged') return null;
    throw error;
  }
}

function bytesOf({ fulls, logs, leftovers }: Catalogue): number {
  const published = [...fulls, ...logs].reduce((sum, { data }) => sum + (data?.size ?? 0), 0);
  return leftovers.reduce((sum, { size }) => sum + size, published);
}

function text(listing: Listing): string {
  const { fulls, pieces, ranges, gaps, leftovers, strangers } = listing;
  const lines = [
    `${listing.target}: ${plural(fulls.length, 'full backup')}, ${plural(pieces, 'piece')} of log, ${bytesText(listing.bytes)}` +
      `${listing.encrypted ? ', encrypted' : ''}, begun ${when(listing.createdMs)}`,
  ];
  if (fulls.length > 0) {
    const rows = fulls.map(({ entry, manifest }) =>
      manifest === null
        ? [zxidText(entry.zxid), 'damaged', '', bytesText(entry.data?.size ?? 0), '']
        : [
            zxidText(entry.zxid),
            when(manifest.takenMs),
            countText(manifest.znodes),
            bytesText(manifest.file.storedBytes),
            manifest.by,
          ],
    );
    lines.push('', 'Full backups', ...table(['zxid', 'taken', 'znodes', 'size', 'by'], rows, [2, 3]));
    for (const { problem } of fulls) if (problem !== null) lines.push(`  ${problem}`);
  }
  if (ranges.length > 0) {
    const rows = ranges.map((range) => [
      zxidText(range.from),
      zxidText(range.to),
      when(range.fromMs),
      when(range.toMs),
    ]);
    lines.push('', 'Can be restored: every zxid', ...table(['from', 'to', 'of', 'until'], rows, []));
  } else lines.push('', 'Nothing can be restored yet: there is no full backup.');
  for (const { afterZxid, toZxid } of gaps) {
    lines.push(
      '',
      `GAP: the txns behind ${afterZxid === null ? 'the beginning' : zxidText(afterZxid)} up to ${zxidText(toZxid)} are missing`,
    );
  }
  if (leftovers > 0) lines.push('', `${plural(leftovers, 'unpublished object')}: being put, or left by a crash`);
  if (strangers.length > 0) lines.push('', `Not part of the backup: ${strangers.slice(0, 5).join(', ')}`);
  return `${lines.join('\n')}\n`;
}

function when(ms: number | null): string {
  return ms === null ? '?' : new Date(ms).toISOString();
}

function json(listing: Listing): string {
  const { fulls, ranges, gaps, createdMs, ...rest } = listing;
  return JSON.stringify({
    ...rest,
    created: when(createdMs),
    fulls: fulls.map(({ entry, manifest, problem }) => ({
      zxid: zxidText(entry.zxid),
      object: entry.data?.name ?? null,
      bytes: entry.data?.size ?? null,
      ...(manifest === null
        ? { problem }
        : {
            taken: when(manifest.takenMs),
            time: manifest.txnTimeMs === null ? null : when(manifest.txnTimeMs),
            znodes: manifest.znodes,
            sessions: manifest.sessions,
            digest: manifest.digest,
            by: manifest.by,
          }),
    })),
    restorable: ranges.map(({ from, to, fromMs, toMs }) => ({
      from: zxidText(from),
      to: zxidText(to),
      fromTime: fromMs === null ? null : when(fromMs),
      toTime: toMs === null ? null : when(toMs),
    })),
    gaps: gaps.map(({ afterZxid, toZxid }) => ({
      after: afterZxid === null ? null : zxidText(afterZxid),
      to: zxidText(toZxid),
    })),
  });
}

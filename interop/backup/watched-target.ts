/** A backup target that can be killed, and what can be seen of the backups in it without asking any server. */

import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BackupTarget, openTarget, TargetError, type TargetPlace } from '@headkeeper/server/internal';
import { type S3Server, startS3Server } from '../peers/s3-server.ts';

export interface WatchedTarget {
  readonly objects: BackupTarget;
  /** The lines of zoo.cfg that name it. */
  readonly settings: Readonly<Record<string, string>>;
  /** The options of the command line that name it. */
  readonly options: readonly string[];
  /** Null for a folder: it has no process. */
  readonly server: S3Server | null;
  /** The last zxid of the newest piece of log or full backup that is published; 0 when there is none, null without an answer. */
  newestZxid(): Promise<number | null>;
  /** How many full backups and pieces of log are published. */
  counts(): Promise<{ readonly fulls: number; readonly segments: number; readonly bytes: number }>;
  /** Ends it and removes everything. */
  end(): Promise<void>;
}

const PUBLISHED = /^(?:full\/([0-9a-f]{16})|log\/[0-9a-f]{16}\.[0-9a-f]{16}\.([0-9a-f]{16}))-[0-9a-f]{8}\.json$/;

/** Starts a target of a kind: a real S3 server, or a folder with encrypted backups. */
export async function startWatchedTarget(kind: 's3' | 'folder'): Promise<WatchedTarget> {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-target-'));
  const server = kind === 's3' ? await startS3Server(folder) : null;
  const place: TargetPlace = {
    url: server === null ? join(folder, 'backups') : `s3://${server.bucket}/ensemble`,
    endpoint: server?.endpoint ?? null,
    region: null,
    pathStyle: null,
  };
  // The folder's backups are encrypted: so both ways are tried.
  const keyFile = server === null ? join(folder, 'key') : null;
  if (keyFile !== null) {
    mkdirSync(place.url);
    writeFileSync(keyFile, randomBytes(32).toString('hex'));
  }
  const target = await openTarget(place, server?.environment ?? {});
  return {
    objects: target,
    settings: {
      'backup.target': place.url,
      ...(place.endpoint === null ? {} : { 'backup.s3.endpoint': place.endpoint }),
      ...(keyFile === null ? {} : { 'backup.keyFile': keyFile }),
    },
    options: [
      ...['--target', place.url],
      ...(place.endpoint === null ? [] : ['--endpoint', place.endpoint]),
      ...(keyFile === null ? [] : ['--key-file', keyFile]),
    ],
    server,
    newestZxid: async () => {
      const names = await published(target);
      return names === null ? null : names.reduce((newest, { zxid }) => Math.max(newest, zxid), 0);
    },
    counts: async () => {
      const names = (await published(target)) ?? [];
      let bytes = 0;
      for await (const { size } of target.list('', never)) bytes += size;
      const fulls = names.filter(({ name }) => name.startsWith('full/')).length;
      return { fulls, segments: names.length - fulls, bytes };
    },
    end: async () => {
      await target.close();
      if (server?.running === true) await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const never = new AbortController().signal;

async function published(target: BackupTarget): Promise<{ readonly name: string; readonly zxid: number }[] | null> {
  const found: { name: string; zxid: number }[] = [];
  try {
    for await (const { name } of target.list('', never)) {
      const match = PUBLISHED.exec(name);
      if (match !== null) found.push({ name, zxid: Number.parseInt(match[1] ?? match[2] ?? '', 16) });
    }
    return found;
  } catch (error) {
    if (error instanceof TargetError && error.failure === 'unreachable') return null;
    throw error;
  }
}

/** The target of backups on a real S3 server: the suite of all targets, large objects, and kill -9 of the server. */

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BackupKey,
  BackupRepository,
  type BackupTarget,
  openTarget,
  raiseEpoch,
  TargetError,
} from '@headkeeper/server/internal';
import { targetChecks } from '@headkeeper/testkit';
import { until } from '../ensemble/waiting.ts';
import { type S3Server, startS3Server } from '../peers/s3-server.ts';

const PATIENCE_MS = 60_000;
const never = new AbortController().signal;

/** Tells of each check as it ends: an empty list of faults when it passed. */
export type Told = (title: string, faults: readonly string[]) => void;

/** Runs everything against a server of its own. */
export async function checkS3Target(tell: Told): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-s3-'));
  const server = await startS3Server(folder);
  const attempt = async (title: string, body: () => Promise<void>): Promise<void> => {
    try {
      await body();
      tell(title, []);
    } catch (error) {
      tell(title, [error instanceof Error ? (error.stack ?? error.message) : String(error)]);
    }
  };
  try {
    for (const [number, check] of targetChecks.entries()) {
      await attempt(`S3 target: ${check.title}`, async () => {
        const target = await openS3(server, `suite-${number}`);
        await check.body(target);
        await target.close();
      });
    }
    await attempt('S3 target: wrong credentials and a missing bucket are told', () => refusals(server));
    await attempt('S3 target: two servers make one encrypted backup, two restores take two epochs', () =>
      atOnce(server),
    );
    await attempt('S3 target: what was put outlives kill -9 of the server', () => killings(server));
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The target that a zoo.cfg naming this server gives. */
function openS3(server: S3Server, prefix: string, bucket: string = server.bucket): Promise<BackupTarget> {
  const place = { url: `s3://${bucket}/${prefix}`, endpoint: server.endpoint, region: null, pathStyle: null };
  return openTarget(place, server.environment);
}

/** What two put under one name at the same time. */
async function atOnce(server: S3Server): Promise<void> {
  const key = new BackupKey(randomBytes(32));
  const targets = await Promise.all([openS3(server, 'at-once'), openS3(server, 'at-once')]);
  const [a, b] = await Promise.all(
    targets.map((target) => BackupRepository.openOrCreate(target, key, Date.now(), never)),
  );
  if (a === undefined || b === undefined || a.head.id !== b.head.id) throw new Error('each has a head of its own');
  const raised = await Promise.all([a, b].map((one) => raiseEpoch(one, null, 1, Date.now(), never)));
  const epochs = raised.map(({ epoch }) => epoch).sort((x, y) => x - y);
  if (epochs.join() !== '256,512') throw new Error(`the restores go on in the epochs ${epochs.join(' and ')}`);
  for (const target of targets) await target.close();
}

async function refusals(server: S3Server): Promise<void> {
  const place = { url: `s3://${server.bucket}/x`, endpoint: server.endpoint, region: null, pathStyle: null };
  const stranger = await openTarget(place, { ...server.environment, AWS_SECRET_ACCESS_KEY: 'not-the-secret' });
  await expectFailure(() => stranger.put('a.json', Buffer.from('x'), never), 'denied', /AWS_SECRET_ACCESS_KEY/);
  await stranger.close();
  const unknown = await openTarget(place, { ...server.environment, AWS_ACCESS_KEY_ID: 'nobody' });
  await expectFailure(() => unknown.remove('a.json', never), 'denied', /AWS_ACCESS_KEY_ID/);
  await unknown.close();
  const elsewhere = await openS3(server, 'x', 'no-such-bucket');
  await expectFailure(() => elsewhere.put('a.json', Buffer.from('x'), never), 'other', /no such bucket/);
  await elsewhere.close();
}

async function expectFailure(call: () => Promise<unknown>, failure: string, message: RegExp): Promise<void> {
  const error = await call().then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof TargetError && error.failure === failure && message.test(error.message)) return;
  throw new Error(`expected ${failure} with ${message}, got ${error instanceof Error ? error.message : error}`);
}

/** Puts all the time while the server is killed and started again; what was acknowledged must be there, whole. */
async function killings(server: S3Server): Promise<void> {
  const target = await openS3(server, 'killings');
  const kept = new Map<string, string>();
  let done = false;
  let failures = 0;
  const writer = async (id: number): Promise<void> => {
    for (let i = 0; !done; i += 1) {
      const name = `log/${id}-${String(i).padStart(6, '0')}.log`;
      // Now and then one of several parts.
      const bytes = randomBytes(i % 8 === 7 ? 9 * 1024 * 1024 : 20_000);
      try {
        await target.put(name, bytes, never);
        kept.set(name, createHash('sha256').update(bytes).digest('hex'));
      } catch (error) {
        if (!(error instanceof TargetError) || error.failure !== 'unreachable') throw error;
        failures += 1;
      }
    }
  };
  const counts = (): string => `${kept.size} puts, ${failures} failures`;
  const crashes = (async () => {
    for (let round = 0; round < 3; round += 1) {
      const before = kept.size;
      const failedBefore = failures;
      await until('ten more puts', PATIENCE_MS, () => kept.size > before + 10, counts);
      await server.kill();
      await until('a put that fails', PATIENCE_MS, () => failures > failedBefore, counts);
      await server.start();
    }
    const before = kept.size;
    await until('ten more puts', PATIENCE_MS, () => kept.size > before + 10, counts);
  })().finally(() => {
    done = true;
  });
  await Promise.all([crashes, writer(0), writer(1)]);
  for (const [name, hash] of kept) {
    const found = createHash('sha256');
    for await (const chunk of target.get(name, never)) found.update(chunk);
    if (found.digest('hex') !== hash) throw new Error(`${name} is not what was put`);
  }
  const sizes = new Set([20_000, 9 * 1024 * 1024]);
  for await (const { name, size } of target.list('', never))
    if (!sizes.has(size)) throw new Error(`${name} has ${size} bytes: a part of an object is shown as the whole`);
  await target.close();
}

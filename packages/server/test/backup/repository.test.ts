import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { FaultyTarget, MemoryTarget } from '@headkeeper/testkit';
import { restoreState } from '../../src/backup/backup-state.ts';
import { BackupKey } from '../../src/backup/encryption.ts';
import { exactSnapshot } from '../../src/backup/exact-snapshot.ts';
import { createFolderTarget } from '../../src/backup/folder-target.ts';
import { HEAD_OBJECT } from '../../src/backup/naming.ts';
import { BackupRepository } from '../../src/backup/repository.ts';
import { SegmentBuilder } from '../../src/backup/segment-builder.ts';
import { TargetError } from '../../src/backup/target.ts';
import { adler32 } from '../../src/core/log/checksum.ts';
import { RecordedHistory, seen, signal } from './recorded-history.ts';

const KEY = new BackupKey(new Uint8Array(32).fill(5));
const OTHER_KEY = new BackupKey(new Uint8Array(32).fill(6));
const history: RecordedHistory = RecordedHistory.record(3, 200);

test('a backup in a folder is what it was when the folder is opened again', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'headkeeper-repository-'));
  try {
    const target = createFolderTarget(path.join(folder, 'not', 'yet', 'there'));
    const made = await BackupRepository.openOrCreate(target, KEY, 123, signal);
    await history.putFull(made, 100);
    await history.putLogs(made, 100, 200);
    const opened = await BackupRepository.open(target, KEY, signal);
    assert.deepEqual(opened.head, made.head);
    const catalogue = await opened.catalogue(signal);
    assert.deepEqual(
      [catalogue.fulls.length, catalogue.logs.length, catalogue.leftovers, catalogue.strangers],
      [1, 1, [], []],
    );
    const { settings } = history;
    const { database, warnings } = await restoreState(opened, catalogue, { toZxid: null, settings, signal });
    assert.deepEqual(seen(database), seen(history.stateAfter(200)));
    assert.deepEqual(warnings, []);
    const full = catalogue.fulls[0];
    assert.ok(full !== undefined);
    const manifest = await opened.fullManifest(full, signal);
    const { nodes, sessions } = seen(history.stateAfter(100));
    assert.deepEqual([manifest.znodes, manifest.sessions], [nodes.length, sessions.length]);
    assert.equal(manifest.txnTimeMs, history.timeAt(99));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a key that does not fit is refused before anything is read or written', async () => {
  const encrypted = new MemoryTarget();
  await BackupRepository.openOrCreate(encrypted, KEY, 1, signal);
  await assert.rejects(BackupRepository.open(encrypted, OTHER_KEY, signal), { problem: 'wrong-key' });
  await assert.rejects(BackupRepository.openOrCreate(encrypted, OTHER_KEY, 2, signal), { problem: 'wrong-key' });
  await assert.rejects(BackupRepository.open(encrypted, null, signal), { problem: 'key-needed' });
  assert.deepEqual(encrypted.names(), [HEAD_OBJECT]);
  const plain = new MemoryTarget();
  await BackupRepository.openOrCreate(plain, null, 1, signal);
  await assert.rejects(BackupRepository.open(plain, KEY, signal), { problem: 'not-encrypted' });
});

test('an empty target, a newer head, a head that was lost and one that is damaged each have their error', async () => {
  const target = new MemoryTarget();
  await assert.rejects(BackupRepository.open(target, null, signal), { problem: 'no-backup' });
  target.tamper(HEAD_OBJECT, Buffer.from('{ "kind": "head", "format": 3 }'));
  await assert.rejects(BackupRepository.open(target, null, signal), {
    problem: 'newer-format',
    message: /made by a newer release: format 3, this one reads up to 1/,
  });
  target.tamper(HEAD_OBJECT, Buffer.from('{ "kind": "he'));
  await assert.rejects(BackupRepository.openOrCreate(target, null, 1, signal), {
    problem: 'damaged',
    object: HEAD_OBJECT,
  });
  target.tamper(HEAD_OBJECT, null);
  await history.putLogs(await BackupRepository.openOrCreate(target, null, 1, signal), 0, 50);
  target.tamper(HEAD_OBJECT, null);
  await assert.rejects(BackupRepository.openOrCreate(target, null, 1, signal), {
    problem: 'damaged',
    object: HEAD_OBJECT,
  });
});

test('two servers that make the backup at once end up with one', async () => {
  const target = new MemoryTarget();
  const [a, b] = await Promise.all([
    BackupRepository.openOrCreate(target, KEY, 1, signal),
    BackupRepository.openOrCreate(target, KEY, 2, signal),
  ]);
  assert.equal(a.head.id, b.head.id);
});

test('two servers that make an encrypted backup at once go on with one head, also where the second put overwrites', async () => {
  /** Knows no conditions: what is put last stays. The servers have both put before either goes on. */
  class Overwriting extends MemoryTarget {
    readonly #waiting: (() => void)[] = [];

    override async put(name: string, body: AsyncIterable<Uint8Array> | Uint8Array, abort: AbortSignal): Promise<void> {
      if (name === HEAD_OBJECT && body instanceof Uint8Array) this.tamper(name, body);
      else await super.put(name, body, abort);
    }

    override async settled(): Promise<void> {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        if (this.#waiting.length === 2) for (const wake of this.#waiting) wake();
      });
    }
  }
  const target = new Overwriting();
  const [a, b] = await Promise.all([
    BackupRepository.openOrCreate(target, KEY, 1, signal),
    BackupRepository.openOrCreate(target, KEY, 2, signal),
  ]);
  assert.equal(a.head.id, b.head.id);
  await history.putFull(a, 50);
  await history.putLogs(b, 50, 80);
  const { settings } = history;
  const reader = await BackupRepository.open(target, KEY, signal);
  const { database } = await restoreState(reader, await reader.catalogue(signal), { toZxid: null, settings, signal });
  assert.deepEqual(seen(database), seen(history.stateAfter(80)));
});

test('a record or znode beyond the limit is damage, and no memory is taken for it', async () => {
  const target = new MemoryTarget();
  const repository = await BackupRepository.openOrCreate(target, null, 1, signal);
  assert.equal(repository.maxRecordBytes, 128 * 1024 * 1024);
  await history.putFull(repository, 100);
  const [segment] = history.segments(100, 110);
  assert.ok(segment !== undefined);
  const hostile = Buffer.concat(segment.pieces);
  // The first record says that it is as long as one can be, and zeros follow, which take no room in the target.
  hostile.writeInt32BE(0x7fff0000, 16 + 8);
  hostile.writeInt32BE(0x12345678, 16 + 4);
  const zeros = Array.from({ length: 40 }, () => Buffer.alloc(8 << 20));
  const facts = { publishedMs: 1, by: 'somebody', compression: 'gzip' } as const;
  const sum = createHash('sha256');
  for (const piece of [hostile, ...zeros]) sum.update(piece);
  const plainSha256 = sum.digest('hex');
  await repository.putLog({ ...segment, pieces: [hostile, ...zeros], plainSha256 }, facts, signal);
  const { settings } = history;
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const read = restoreState(repository, await repository.catalogue(signal), {
    toZxid: 110,
    settings,
    signal,
    progress: () => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    },
  });
  await assert.rejects(read, {
    problem: 'damaged',
    message: /^log\/.*\.log\.gz is damaged: the length 2147418112 is impossible \(limit 134217728\) \(at byte 16\)/,
  });
  assert.ok(most < 600 << 20, `${most} bytes of buffers`);

  const narrow = await BackupRepository.open(target, null, signal, 16);
  await assert.rejects(restoreState(narrow, await narrow.catalogue(signal), { toZxid: 100, settings, signal }), {
    problem: 'damaged',
    message: /^full\/.*\.snapshot\.gz is damaged: .*a path of \d+ bytes|data of \d+ bytes/,
  });
});

test('a damaged snapshot, and one of another zxid, are refused and nothing is published', async () => {
  const target = new MemoryTarget();
  const repository = await BackupRepository.openOrCreate(target, null, 1, signal);
  const database = history.stateAfter(150);
  const chunks: Uint8Array[] = [];
  for await (const chunk of exactSnapshot(database, true)) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  const facts = { zxid: 150, txnTimeMs: null, takenMs: 1, by: 'a test', compression: 'gzip' } as const;
  async function* bytes(of: Buffer): AsyncGenerator<Uint8Array> {
    yield of.subarray(0, 1000);
    yield of.subarray(1000);
  }
  const changed = Buffer.from(whole);
  changed[500] = (changed[500] ?? 0) ^ 1;
  for (const wrong of [changed, whole.subarray(0, whole.length - 1), Buffer.alloc(0)]) {
    await assert.rejects(repository.putFull(bytes(wrong), facts, signal), { problem: 'unfit' });
  }
  await assert.rejects(repository.putFull(bytes(whole), { ...facts, zxid: 149 }, signal), {
    problem: 'unfit',
    message: /holds changes up to 0x96: it is not of one point in time/,
  });
  await assert.rejects(repository.putFull(exactSnapshot(database, false), { ...facts, zxid: 149 }, signal), {
    problem: 'unfit',
    message: /holds changes up to 0x96/,
  });
  assert.deepEqual(target.names(), [HEAD_OBJECT]);
});

test('what was uploaded and not published does not exist, and is listed as left over', async () => {
  const faulty = new FaultyTarget(new MemoryTarget(), 1);
  const repository = await BackupRepository.openOrCreate(faulty, null, 1, signal);
  await history.putFull(repository, 100);
  const { settings } = history;
  const before = seen(history.stateAfter(100));
  for (const fault of ['fails', 'half-written'] as const) {
    faulty.next('put', { kind: 'slow', ms: 0 });
    faulty.next('put', fault === 'fails' ? { kind: 'fails', failure: 'unreachable' } : { kind: fault });
    await assert.rejects(history.putLogs(repository, 100, 200), TargetError);
    const again = await BackupRepository.open(faulty, null, signal);
    const catalogue = await again.catalogue(signal);
    if (fault === 'fails') assert.deepEqual([catalogue.logs.length, catalogue.leftovers.length], [0, 1]);
    const { database, warnings } = await restoreState(again, catalogue, { toZxid: null, settings, signal });
    assert.deepEqual(seen(database), before);
    assert.equal(warnings.length, fault === 'fails' ? 0 : 1);
    if (fault === 'half-written') assert.match(warnings[0] ?? '', /does not count: it is half written/);
  }
  await history.putLogs(repository, 100, 200);
  const catalogue = await repository.catalogue(signal);
  const { database } = await restoreState(repository, catalogue, { toZxid: null, settings, signal });
  assert.deepEqual(seen(database), seen(history.stateAfter(200)), 'the second attempt counts');
});

test('a put that was carried out although its answer was lost leaves two that agree', async () => {
  const faulty = new FaultyTarget(new MemoryTarget(), 1);
  const repository = await BackupRepository.openOrCreate(faulty, null, 1, signal);
  await history.putFull(repository, 0);
  faulty.next('put', { kind: 'slow', ms: 0 });
  faulty.next('put', { kind: 'answer-lost' });
  await assert.rejects(history.putLogs(repository, 0, 200), TargetError);
  await history.putLogs(repository, 0, 200);
  const catalogue = await repository.catalogue(signal);
  assert.equal(catalogue.logs.length, 2);
  const { settings } = history;
  const { database } = await restoreState(repository, catalogue, { toZxid: 120, settings, signal });
  assert.deepEqual(seen(database), seen(history.stateAfter(120)));
});

test('a piece of log takes no txn that does not follow, and none of another epoch', () => {
  const builder = new SegmentBuilder(0);
  const epochs = history.inEpochs([5]);
  for (const { zxid, body } of epochs.txns.slice(0, 5)) {
    assert.ok(builder.canTake(zxid));
    builder.add(body, 0, body.length, adler32(body, 0, body.length));
  }
  const next = epochs.txns[5];
  assert.ok(next !== undefined && !builder.canTake(next.zxid));
  assert.throws(() => builder.add(next.body, 0, next.body.length, 0), { problem: 'unfit' });
  assert.deepEqual([builder.txns, builder.lastZxid], [5, 5]);
  const behind = new SegmentBuilder(5);
  behind.add(next.body, 0, next.body.length, 1);
  assert.equal(behind.finish().firstZxid, next.zxid);
});

test('records taken from a log in one go make the same piece as one after the other', () => {
  const lengths = [300_000, ...Array.from({ length: 4000 }, (_, i) => 40 + ((i * 7919) % 311))];
  // Between two records lies what surrounds them in a file, here garbage; once in a while, more of it.
  const starts = Int32Array.from(lengths);
  const ends = Int32Array.from(lengths);
  let at = 5;
  for (const [i, length] of lengths.entries()) {
    starts[i] = at;
    ends[i] = at + length;
    at += length + (i % 1000 === 999 ? 20 : 13);
  }
  const memory = Uint8Array.from({ length: at }, (_, i) => (i * 31) & 0xff);
  const view = new DataView(memory.buffer);
  const zxids = Float64Array.from(lengths, (_, i) => i + 1);
  zxids[4000] = 2 ** 32 + 1;
  for (const [i, zxid] of zxids.entries()) {
    view.setInt32((starts[i] ?? 0) + 12, Math.floor(zxid / 2 ** 32));
    view.setInt32((starts[i] ?? 0) + 16, zxid % 2 ** 32);
  }
  const adlers = Uint32Array.from(lengths, (_, i) => adler32(memory, starts[i] ?? 0, ends[i] ?? 0));
  const together = new SegmentBuilder(0);
  assert.equal(together.addAll({ memory, count: lengths.length, starts, ends, zxids, adlers }), 4000);
  const single = new SegmentBuilder(0);
  for (let i = 0; i < 4000; i++) single.add(memory, starts[i] ?? 0, ends[i] ?? 0, adlers[i] ?? 0);
  const [found, expected] = [together.finish(), single.finish()];
  assert.ok(Buffer.concat(found.pieces).equals(Buffer.concat(expected.pieces)));
  assert.equal(found.plainSha256, createHash('sha256').update(Buffer.concat(found.pieces)).digest('hex'));
  assert.deepEqual({ ...found, pieces: null }, { ...expected, pieces: null });
});

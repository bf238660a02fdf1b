import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { MemoryTarget } from '@headkeeper/testkit';
import fc from 'fast-check';
import { BackupError } from '../../src/backup/backup-error.ts';
import type { Compression } from '../../src/backup/compression.ts';
import { BackupCipher, BackupKey, readKeyFile } from '../../src/backup/encryption.ts';
import { decodeHead, encodeHead, newHead } from '../../src/backup/head.ts';
import type { FullManifest, LogManifest } from '../../src/backup/manifest.ts';
import { decodeFullManifest, decodeLogManifest, encodeManifest } from '../../src/backup/manifest-codec.ts';
import {
  type BackupName,
  dataObject,
  type FullName,
  HEAD_OBJECT,
  isPossible,
  type LogName,
  manifestObject,
  parseObjectName,
} from '../../src/backup/naming.ts';
import { readObject } from '../../src/backup/object-reader.ts';
import { putObject } from '../../src/backup/object-writer.ts';
import { signal } from './recorded-history.ts';

const KEY = new BackupKey(new Uint8Array(32).fill(5));
const OTHER_KEY = new BackupKey(new Uint8Array(32).fill(6));
const CIPHER = new BackupCipher(KEY, { salt: '00'.repeat(16) });
const FULL: FullName = { kind: 'full', zxid: 0x100000007, uid: '0123abcd' };
const LOG: LogName = { kind: 'log', afterZxid: 4, firstZxid: 5, lastZxid: 9, uid: '89abcdef' };

const FULL_MANIFEST: FullManifest = {
  kind: 'full',
  format: 1,
  file: {
    object: dataObject(FULL, true, false),
    storedBytes: 100,
    storedSha256: 'ab'.repeat(32),
    plainBytes: 400,
    plainSha256: 'cd'.repeat(32),
    compression: 'gzip',
    encrypted: false,
  },
  zxid: FULL.zxid,
  digest: '00000001deadbeef',
  znodes: 12,
  sessions: 3,
  txnTimeMs: 1_790_000_000_000,
  takenMs: 1_790_000_001_000,
  by: 'server 3 (follower)',
};

const LOG_MANIFEST: LogManifest = {
  kind: 'log',
  format: 1,
  file: { ...FULL_MANIFEST.file, object: dataObject(LOG, false, true), compression: 'none', encrypted: true },
  afterZxid: 4,
  firstZxid: 5,
  lastZxid: 9,
  txns: 5,
  firstTimeMs: 1000,
  lastTimeMs: 900,
  minTimeMs: 900,
  maxTimeMs: 1100,
  lastRecordAdler: 0xffffffff,
  publishedMs: 2000,
  by: 'headkeeper backup now',
};

const anyZxid = fc.oneof(fc.nat(20), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
const anyUid = fc.integer({ min: 0, max: 0xffffffff }).map((n) => n.toString(16).padStart(8, '0'));
const anyName: fc.Arbitrary<BackupName> = fc.oneof(
  fc.record({ kind: fc.constant('full' as const), zxid: anyZxid, uid: anyUid }),
  fc
    .record({ kind: fc.constant('log' as const), firstZxid: anyZxid, length: fc.nat(1000), uid: anyUid })
    .map(({ length, ...rest }) => ({ ...rest, afterZxid: rest.firstZxid - 1, lastZxid: rest.firstZxid + length }))
    .filter((name) => Number.isSafeInteger(name.lastZxid) && name.afterZxid >= 0 && isPossible(name)),
);

test('a manifest cannot send commands to the terminal that shows it', () => {
  const by = '\u001b[2Jserver 1';
  const bytes = encodeManifest(manifestObject(FULL), { ...FULL_MANIFEST, by }, null);
  assert.throws(
    () => decodeFullManifest(FULL, bytes, null),
    (error) => {
      assert.ok(error instanceof BackupError && error.problem === 'damaged');
      return !/\p{Cc}/u.test(error.message);
    },
  );
});

test('names say what they stand for and nothing else is taken for one', () => {
  fc.assert(
    fc.property(anyName, fc.boolean(), fc.boolean(), (name, compressed, encrypted) => {
      assert.deepEqual(parseObjectName(manifestObject(name)), { name: { ...name }, part: 'manifest' });
      assert.deepEqual(parseObjectName(dataObject(name, compressed, encrypted)), { name: { ...name }, part: 'data' });
    }),
  );
  for (const name of [
    HEAD_OBJECT,
    'full/0000000000000001-01234567.log',
    'full/0000000000000001-01234567.snapshot.enc.gz',
    'full/0000000000000001-0123456.json',
    'full/ffffffffffffffff-01234567.json',
    'log/0000000000000001.0000000000000003.0000000000000004-01234567.json',
    'log/0000000000000001.0000000000000002.0000000100000004-01234567.json',
    'log/0000000000000003.0000000000000004.0000000000000003-01234567.json',
    'full/0000000000000001-01234567.json.0f0f0f0f.part',
  ]) {
    assert.equal(parseObjectName(name), null, name);
  }
});

test('a manifest is read back as it was written, with a seal and without', () => {
  for (const cipher of [null, CIPHER]) {
    const full = encodeManifest(manifestObject(FULL), FULL_MANIFEST, cipher);
    assert.deepEqual(decodeFullManifest(FULL, full, cipher), FULL_MANIFEST);
    const log = encodeManifest(manifestObject(LOG), LOG_MANIFEST, cipher);
    assert.deepEqual(decodeLogManifest(LOG, log, cipher), LOG_MANIFEST);
    // Whoever has no key can still look at it.
    assert.deepEqual(decodeLogManifest(LOG, log, null), LOG_MANIFEST);
  }
});

test('a manifest that is half written, or changed in any byte, does not count', () => {
  for (const cipher of [null, CIPHER]) {
    const whole = encodeManifest(manifestObject(FULL), FULL_MANIFEST, cipher);
    for (let length = 0; length < whole.length; length++) {
      const half = whole.subarray(0, length);
      assert.throws(() => decodeFullManifest(FULL, half, cipher), isDamaged(manifestObject(FULL)), `${length} bytes`);
    }
    for (let at = 0; at < whole.length; at++) {
      for (const bit of [1, 0x40]) {
        const changed = Uint8Array.from(whole);
        changed[at] = (changed[at] ?? 0) ^ bit;
        assert.throws(() => decodeFullManifest(FULL, changed, cipher), BackupError, `byte ${at}`);
      }
    }
  }
});

test('a manifest under another name does not count', () => {
  const bytes = encodeManifest(manifestObject(FULL), FULL_MANIFEST, null);
  assert.throws(() => decodeFullManifest({ ...FULL, zxid: 8 }, bytes, null), isDamaged());
  assert.throws(() => decodeFullManifest({ ...FULL, uid: '00000000' }, bytes, null), isDamaged());
  assert.throws(() => decodeLogManifest(LOG, bytes, null), isDamaged());
  const sealed = encodeManifest(manifestObject(FULL), FULL_MANIFEST, CIPHER);
  const otherCipher = new BackupCipher(OTHER_KEY, { salt: '00'.repeat(16) });
  assert.throws(() => decodeFullManifest(FULL, sealed, otherCipher), /seal does not match/);
  assert.throws(() => decodeFullManifest(FULL, bytes, CIPHER), /seal does not match/, 'one without a seal');
});

test('what a newer release made is said to be that', () => {
  const text = '{\n  "kind": "full",\n  "format": 2,\n  "anything": "else"\n}\n';
  assert.throws(() => decodeFullManifest(FULL, Buffer.from(text), null), {
    problem: 'newer-format',
    message:
      `${manifestObject(FULL)} was made by a newer release: format 2, this one reads up to 1. ` +
      'Use that release, or a newer one.',
  });
  assert.throws(() => decodeHead(Buffer.from(text)), { problem: 'newer-format' });
});

test('a head is read back, and proves keys without showing them', () => {
  const head = newHead(KEY, 1000);
  assert.deepEqual(decodeHead(encodeHead(head)), head);
  assert.ok(head.encryption !== null && BackupCipher.fits(KEY, head.encryption, head.id));
  assert.ok(!BackupCipher.fits(OTHER_KEY, head.encryption, head.id));
  assert.ok(!BackupCipher.fits(KEY, head.encryption, '00'.repeat(16)), 'the head of another backup');
});

async function put(
  target: MemoryTarget,
  plain: Uint8Array,
  encrypted: boolean,
  compression: Compression,
  isInThread = false,
) {
  const options = { compression, cipher: encrypted ? CIPHER : null, isInThread, plainSha256: null };
  return putObject(target, FULL, pieces(plain, 70_001), options, signal);
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes that cannot be compressed, so that the stored ones fill several frames. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

function isDamaged(object?: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof BackupError, String(error));
    assert.equal(error.problem, 'damaged');
    if (object !== undefined) assert.equal(error.object, object);
    return true;
  };
}

const WAYS: readonly (readonly [Compression, boolean])[] = [
  ['none', false],
  ['gzip', false],
  ['gzip', true],
];

test('objects of any size are read back, compressed or not, encrypted or not', async () => {
  for (const length of [0, 1, 65_535, 65_536, 65_537, 131_072, 300_000]) {
    for (const encrypted of [false, true]) {
      for (const [compression, isInThread] of WAYS) {
        const target = new MemoryTarget();
        const plain = noise(length);
        const file = await put(target, plain, encrypted, compression, isInThread);
        assert.equal(file.object, dataObject(FULL, compression === 'gzip', encrypted));
        const stored = target.bytesOf(file.object);
        assert.equal(stored?.length, file.storedBytes);
        if (encrypted && length > 100) assert.equal(Buffer.from(stored ?? []).indexOf(plain.subarray(0, 50)), -1);
        assert.deepEqual(await read(readObject(target, file, CIPHER, signal)), plain);
      }
    }
  }
});

test('bytes that are not those of a sum known before are damage when they are read', async () => {
  const plain = noise(100_000);
  const known = createHash('sha256').update(plain).digest('hex');
  for (const isSpoilt of [false, true]) {
    const target = new MemoryTarget();
    const handed = Buffer.from(plain);
    if (isSpoilt) handed[70_000] = (handed[70_000] ?? 0) ^ 1;
    const options = { compression: 'gzip', cipher: null, isInThread: true, plainSha256: known } as const;
    const file = await putObject(target, FULL, pieces(handed, 65_536), options, signal);
    assert.deepEqual([file.plainSha256, file.plainBytes], [known, 100_000]);
    const reading = read(readObject(target, file, null, signal));
    if (isSpoilt) await assert.rejects(reading, isDamaged(file.object));
    else assert.deepEqual(await reading, plain);
  }
});

test('a bit flipped anywhere, a cut, a growth and a loss are seen, and the object is named', async () => {
  for (const encrypted of [false, true]) {
    for (const [compression, isInThread] of WAYS) {
      const target = new MemoryTarget();
      const file = await put(target, noise(150_000), encrypted, compression, isInThread);
      const stored = target.bytesOf(file.object) ?? new Uint8Array(0);
      const spoilt: (Uint8Array | null)[] = [null, new Uint8Array(0), Buffer.concat([stored, new Uint8Array(5)])];
      for (let at = 0; at < stored.length; at += 997) {
        const changed = stored.slice();
        changed[at] = (changed[at] ?? 0) ^ 4;
        spoilt.push(changed);
        spoilt.push(stored.slice(0, at));
      }
      for (const bytes of spoilt) {
        target.tamper(file.object, bytes);
        await assert.rejects(read(readObject(target, file, CIPHER, signal)), isDamaged(file.object));
      }
    }
  }
});

test('frames of an encrypted object cannot be exchanged, left out or carried to another object', async () => {
  const target = new MemoryTarget();
  const file = await put(target, noise(65_536 * 4), true, 'none');
  const stored = Buffer.from(target.bytesOf(file.object) ?? []);
  const frame = 4 + 65_536 + 16;
  const head = stored.subarray(0, 20);
  const frames = [0, 1, 2, 3].map((i) => stored.subarray(20 + i * frame, 20 + (i + 1) * frame));
  const [a, b, c, d] = frames as [Buffer, Buffer, Buffer, Buffer];
  for (const order of [[b, a, c, d], [a, c, d], [a, b, c], [a, b, c, d, d], [d]]) {
    const exchanged = Buffer.concat([head, ...order]);
    await assert.rejects(read(CIPHER.decrypt(file.object, pieces(exchanged, 999))), isDamaged(file.object));
  }
  assert.equal((await read(CIPHER.decrypt(file.object, pieces(stored, 999)))).length, 65_536 * 4);
  const other = dataObject({ ...FULL, uid: '11111111' }, false, true);
  await assert.rejects(read(CIPHER.decrypt(other, pieces(stored, 9999))), isDamaged(other));
});

test('a key file may hold bytes, hexadecimal or base64 text; too short a one is refused without showing it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'headkeeper-key-'));
  try {
    const bytes = noise(32);
    const salt = Buffer.alloc(16);
    const derived: string[] = [];
    for (const content of [
      bytes,
      `${bytes.toString('hex')}\n`,
      `${bytes.toString('base64')}\n`,
      bytes.toString('base64url'),
    ]) {
      const file = path.join(folder, 'key');
      await writeFile(file, content);
      derived.push((await readKeyFile(file)).derive(salt, 'test').toString('hex'));
    }
    assert.equal(new Set(derived).size, 1);
    const short = path.join(folder, 'short');
    await writeFile(short, 'a password');
    await assert.rejects(
      readKeyFile(short),
      (error: Error) => /at least 32/.test(error.message) && !/a password/.test(error.message),
    );
    await assert.rejects(readKeyFile(path.join(folder, 'nothing')), /cannot be read/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

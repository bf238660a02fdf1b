import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { lockFolder } from '@headkeeper/server/internal';
import { type Finished, headkeeper, vectorFile } from './headkeeper-process.ts';
import { lines, ServedFolder } from './served-folder.ts';

const LOG = 'log.100000001';
const SNAPSHOT = 'snapshot.10000003f';
const golden = JSON.parse(readFileSync(vectorFile('datadir-alltypes/txnlog.json'), 'utf8')) as {
  records: { offset: number; header: { zxid: string } }[];
};
/** A record in the middle, and where it begins. */
const { offset } = golden.records[20] as { offset: number };

const work = mkdtempSync(path.join(tmpdir(), 'headkeeper-repair-'));
after(() => rmSync(work, { recursive: true }));
let copies = 0;

/** A directory that Apache ZooKeeper wrote, changed. */
function directory(change: (version2: string) => void): string {
  const folder = path.join(work, String(copies++));
  cpSync(path.dirname(vectorFile('datadir-alltypes/data/myid')), folder, { recursive: true });
  const version2 = path.join(folder, 'version-2');
  for (const name of ['', 'version-2', ...readdirSync(version2).map((file) => `version-2/${file}`)]) {
    chmodSync(path.join(folder, name), name === '' || name === 'version-2' ? 0o755 : 0o644);
  }
  change(version2);
  return folder;
}

function edit(version2: string, name: string, change: (bytes: Buffer) => Uint8Array): void {
  const file = path.join(version2, name);
  writeFileSync(file, change(readFileSync(file)));
}

/** Every file below a folder. */
function contents(folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile()) files[file] = readFileSync(file, 'hex');
  }
  return files;
}

async function repair(...words: string[]): Promise<Finished> {
  return headkeeper(['repair', ...words]);
}

function flipped(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] as number) ^ 0x10;
  return bytes;
}

const withDamagedBody = (version2: string): void => {
  rmSync(path.join(version2, SNAPSHOT));
  edit(version2, LOG, (bytes) => flipped(bytes, offset + 60));
};

describe('repair examine', () => {
  it('tells a whole directory, one that a start copes with and a damaged one apart, and changes none', async () => {
    const torn = (version2: string): void => {
      rmSync(path.join(version2, SNAPSHOT));
      edit(version2, LOG, (bytes) => bytes.subarray(0, bytes.length - 20));
    };
    for (const [change, code, state] of [
      [() => {}, 0, 'whole'],
      [torn, 52, 'serves'],
      [withDamagedBody, 21, 'damaged'],
    ] as const) {
      const folder = directory(change);
      const before = contents(folder);
      const result = await repair('examine', folder, '--json');
      assert.equal(result.code, code, result.stderr);
      assert.equal((JSON.parse(result.stdout) as { state: string }).state, state);
      const text = await repair('examine', folder);
      assert.equal(text.code, code);
      assert.match(text.stdout, code === 0 ? /Nothing is wrong/ : /What is wrong\n {2}- log\.100000001 at byte \d+/);
      assert.deepEqual(contents(folder), before);
    }
  });

  it('says what it cannot find', async () => {
    const result = await repair('examine', work);
    assert.equal(result.code, 51);
    assert.match(result.stderr, /version-2 does not exist/);
  });
});

describe('repair', () => {
  it('changes nothing unless it is confirmed', async () => {
    const folder = directory((version2) => edit(version2, LOG, (bytes) => flipped(bytes, offset + 9)));
    const before = contents(folder);
    const log = path.join(folder, 'version-2', LOG);
    const result = await repair('record', log, '--at', String(offset));
    assert.equal(result.code, 50, result.stderr);
    assert.match(result.stdout, /The length is damaged.*\nThis repair\n {2}- writes [0-9a-f]{8} at byte \d+ of log/);
    assert.deepEqual(contents(folder), before);
  });

  it('mends a record, and puts the damage back', async () => {
    const folder = directory((version2) => edit(version2, LOG, (bytes) => flipped(bytes, offset + 9)));
    const log = path.join(folder, 'version-2', LOG);
    const damaged = readFileSync(log);
    const result = await repair('record', log, '--at', String(offset), '--yes', '--json');
    assert.equal(result.code, 0, result.stderr);
    const { done, kept, fault } = JSON.parse(result.stdout) as { done: boolean; kept: string; fault: string };
    assert.deepEqual({ done, fault }, { done: true, fault: 'length' });
    assert.deepEqual(readFileSync(log), readFileSync(vectorFile(`datadir-alltypes/data/version-2/${LOG}`)));
    assert.equal((await repair('examine', folder)).code, 0);
    assert.equal((await repair('undo', kept, '--yes')).code, 0);
    assert.deepEqual(readFileSync(log), damaged);
  });

  it('gives a record up only when it is told to, and names what is lost', async () => {
    const folder = directory(withDamagedBody);
    const log = path.join(folder, 'version-2', LOG);
    const shown = await repair('record', log, '--at', String(offset));
    assert.equal(shown.code, 21, shown.stderr);
    assert.match(shown.stderr, /nothing makes this record right beyond doubt/);
    const refused = await repair('cut-tail', log, '--yes');
    assert.equal(refused.code, 51);
    assert.match(refused.stderr, /42 whole records: the txns from 0x100000016 to 0x10000003f/);
    const dropped = await repair('record', log, '--at', String(offset), '--drop', '--yes');
    assert.equal(dropped.code, 0, dropped.stderr);
    assert.match(dropped.stdout, /loses for good\n {2}- txn 0x100000015/);
    assert.match(dropped.stdout, /ends at txn 0x10000003f/);
  });

  it('rebuilds a damaged snapshot', async () => {
    const folder = directory((version2) => edit(version2, SNAPSHOT, (bytes) => flipped(bytes, 2000)));
    const result = await repair('snapshot', folder, '--yes');
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stdout, /replaces snapshot\.10000003f: snapshot\.0 and 63 txns, 34 znodes/);
    assert.equal((await repair('examine', folder)).code, 0);
    assert.match((await repair('snapshot', folder, '--yes')).stdout, /There is nothing to do/);
  });

  it('sets the epochs right', async () => {
    const folder = directory((version2) => writeFileSync(path.join(version2, 'acceptedEpoch'), 'x'));
    const result = await repair('epochs', folder, '--yes');
    assert.equal(result.code, 0, result.stderr);
    assert.equal(readFileSync(path.join(folder, 'version-2', 'acceptedEpoch'), 'utf8'), '2');
    assert.equal(readFileSync(path.join(folder, 'version-2', 'currentEpoch'), 'utf8'), '2');
  });

  it('refuses a directory that a server uses', async () => {
    const folder = directory((version2) => edit(version2, SNAPSHOT, (bytes) => flipped(bytes, 2000)));
    const lock = lockFolder(folder);
    const locked = await repair('snapshot', folder, '--yes');
    lock.release();
    assert.equal(locked.code, 3);
    assert.match(locked.stderr, /is in use by Headkeeper process/);
    const open = openSync(path.join(folder, 'version-2', LOG), 'r');
    const used = await repair('snapshot', folder, '--yes');
    const seen = await repair('examine', folder);
    closeSync(open);
    assert.equal(used.code, 3);
    assert.match(used.stderr, new RegExp(`process ${process.pid} has .*${LOG} open`));
    assert.match(seen.stdout, new RegExp(`In use: process ${process.pid} `));
  });
});

describe('a log that ends before what its server has noted of it', () => {
  it('is damaged for an examination as it is for a start, and serves again when its loss is accepted', async () => {
    const served = await ServedFolder.start();
    after(() => served.remove());
    const client = await served.connect();
    for (const name of ['/a', '/b', '/c']) await client.create(name);
    await client.close();
    await served.stop();
    const version2 = path.join(served.dataDir, 'version-2');
    const log = path.join(version2, readdirSync(version2).find((name) => name.startsWith('log.')) as string);
    assert.equal((await repair('examine', served.dataDir)).code, 0);
    const inspected = await headkeeper(['inspect', 'log', log, '--json']);
    const records = lines<{ offset?: number }>(inspected.stdout).filter(({ offset: at }) => at !== undefined);
    writeFileSync(log, readFileSync(log).subarray(0, records.at(-2)?.offset));

    const found = await repair('examine', served.dataDir);
    assert.equal(found.code, 21, found.stdout);
    assert.match(found.stdout, /What is wrong\n {2}- The log ends with 0x\d, but it was durable up to 0x\d/);
    await assert.rejects(served.start(), /The log ends with 0x\d, but it was durable up to 0x\d/);
    assert.match((await repair('cut-tail', log, '--yes')).stdout, /There is nothing to do/);
    const accepted = await repair('cut-tail', log, '--accept-loss', '--yes');
    assert.equal(accepted.code, 0, accepted.stderr);
    assert.match(accepted.stdout, /sets headkeeper\.logged.*\nand loses for good\n {2}- (txn|the txns from) 0x\d/);
    assert.equal((await repair('examine', served.dataDir)).code, 0);
    await served.start();
    await served.stop();
  });
});

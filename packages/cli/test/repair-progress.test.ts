import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { countingDisk, disk, startBytes, working } from '../src/commands/repair/working.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-working-'));
after(() => rmSync(folder, { recursive: true }));

/** A clock that goes on by 0.4 s whenever it is looked at, and what was shown. */
function shown(): { text: () => string; options: object } {
  let text = '';
  let ms = 0;
  const stream = {
    write(piece: string) {
      text += piece;
      return true;
    },
  };
  return {
    text: () => text,
    options: {
      stream,
      now: () => {
        ms += 400;
        return ms;
      },
    },
  };
}

describe('the progress of a repair', () => {
  it('is that of the bytes it reads and writes, with rate and remaining time, and at most all of them', () => {
    writeFileSync(path.join(folder, 'a'), Buffer.alloc(10_000_000));
    const chunk = new Uint8Array(500_000);
    const read = shown();
    const result = working(
      'Examining',
      'readBytes',
      8_000_000,
      () => {
        const source = disk.openReadSync(path.join(folder, 'a'));
        for (let at = 0; at < source.size; at += chunk.length) source.readSync(chunk, 0, chunk.length, at);
        source.closeSync();
        return 'done';
      },
      read.options,
    );
    assert.equal(result, 'done');
    assert.deepEqual(read.text().trimEnd().split('\n'), [
      'Examining: 18% of 8.0 MB, 1.3 MB/s, 5.2 s left',
      'Examining: 100% of 8.0 MB, 1.3 MB/s, 0.0 s left',
    ]);
    const written = shown();
    working(
      'Writing',
      'writtenBytes',
      10_000_000,
      () => {
        const file = disk.createSync(path.join(folder, 'b'));
        for (let at = 0; at < 10_000_000; at += chunk.length) file.writeSync(chunk, 0, chunk.length, at);
        file.dataSyncSync();
        file.closeSync();
      },
      written.options,
    );
    assert.match(written.text(), /^Writing: 15% of 10\.0 MB, .* left\nWriting: /);
  });

  it('ends with the work, and so does the counting', () => {
    const { text, options } = shown();
    const fail = (): void => {
      throw new Error('no');
    };
    assert.throws(() => working('Examining', 'readBytes', 1, fail, options), /no/);
    const before = text();
    disk.openReadSync(path.join(folder, 'a')).readSync(new Uint8Array(10), 0, 10, 0);
    assert.equal(text(), before);
  });

  it('leaves files and calls as they are', () => {
    const traffic = { readBytes: 0, writtenBytes: 0, changed: () => {} };
    const counting = countingDisk(disk, traffic);
    const name = path.join(folder, 'c');
    const file = counting.createSync(name);
    file.writeSync(Uint8Array.of(1, 2, 3, 4), 1, 4, 0);
    file.truncateSync(2);
    file.dataSyncSync();
    file.closeSync();
    const source = counting.openReadSync(name);
    const bytes = new Uint8Array(4);
    assert.deepEqual([source.size, source.readSync(bytes, 1, 4, 0), [...bytes]], [2, 2, [0, 2, 3, 0]]);
    source.closeSync();
    assert.deepEqual([traffic.readBytes, traffic.writtenBytes], [2, 3]);
  });

  it('reckons with the newest snapshot and all logs', () => {
    const version2 = path.join(folder, 'version-2');
    mkdirSync(version2);
    for (const [name, size] of [
      ['snapshot.9', 1],
      ['snapshot.10', 20],
      ['log.1', 300],
      ['log.100000001', 4000],
      ['acceptedEpoch', 50000],
    ] as const) {
      writeFileSync(path.join(version2, name), Buffer.alloc(size));
    }
    const folders = { disk, dataDir: folder, dataLogDir: folder, snapshotFolder: version2, logFolder: version2 };
    assert.equal(startBytes(folders), 4320);
  });
});

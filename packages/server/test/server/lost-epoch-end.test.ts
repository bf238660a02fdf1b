import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StorageStatistics } from '../../src/adapters/disk/storage-statistics.ts';
import { parseServerConfig } from '../../src/config/parse.ts';
import { recoverState } from '../../src/data-recovery.ts';
import { repairSettings } from '../../src/repair/repair-settings.ts';
import { openOn } from '../disk/files.ts';
import { EPOCH, edit, FOLDER, sampleHistory } from '../repair/sample-history.ts';

const STANDALONE = 'dataDir=/data\nclientPort=2181\n';
const MEMBER = `${STANDALONE}initLimit=10\nsyncLimit=5\n${[1, 2, 3].map((sid) => `server.${sid}=10.0.0.${sid}:2888:3888\n`).join('')}`;

/** What a start says on a folder whose logs lack the last three txns of epoch 1, and go on with epoch 2. */
function start(settings: string, isStart: boolean): { lastZxid: number; errors: string[] } {
  const history = sampleHistory(5);
  const { disk, offsets } = history;
  for (const name of disk.listSync(FOLDER)) if (/^snapshot\.[1-9]/.test(name)) disk.removeSync(`${FOLDER}/${name}`);
  const [name, starts] = [...offsets][1] as [string, readonly number[]];
  edit(disk, name, (bytes) => bytes.subarray(0, starts.at(-4)));
  const errors: string[] = [];
  const log = { info: () => {}, warn: () => {}, error: (_: object, text: string) => void errors.push(text) };
  const config = parseServerConfig(settings, { file: null, properties: [], readFile: () => '1' });
  const statistics = new StorageStatistics(() => 0);
  const recovery = recoverState(config, repairSettings(), openOn(disk, '/data'), statistics, log, isStart);
  return { lastZxid: recovery.lastZxid, errors };
}

describe('a log without the end of an epoch, of which nothing is noted', () => {
  it('is refused by the start of a member, which gets its history from the others', () => {
    assert.throws(() => start(MEMBER, true), {
      reason: 'digest-mismatch',
      message: /^The state that the logs lead to is not the one that was logged: .*0x20000000/,
    });
  });

  it('is told by a server that has nobody to take another state from', () => {
    const { lastZxid, errors } = start(STANDALONE, true);
    assert.equal(lastZxid, 2 * EPOCH + 30);
    assert.equal(errors.at(-1), 'digests of the data directory do not match');
  });
});

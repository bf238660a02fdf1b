import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exploreCrashes, SimDisk } from '@headkeeper/testkit';
import {
  createEpochStore,
  decideEpochs,
  EpochsDamaged,
  readEpochTexts,
  removeEpochDrafts,
  storeEpochs,
} from '../../src/adapters/disk/epoch-files.ts';
import type { Epochs } from '../../src/ports.ts';
import { put } from './files.ts';

const FOLDER = '/version-2';
const EPOCH = 4294967296;

function emptyDisk(): SimDisk {
  const disk = new SimDisk(1);
  disk.makeFolderSync(FOLDER);
  disk.syncDirSync('/');
  return disk;
}

/** What a start does with the files. */
function start(disk: SimDisk, lastZxid: number): Epochs {
  const { epochs, damage } = decideEpochs(readEpochTexts(disk, FOLDER), lastZxid);
  assert.equal(damage, null);
  storeEpochs(disk, FOLDER, epochs);
  removeEpochDrafts(disk, FOLDER);
  disk.syncDirSync(FOLDER);
  return epochs;
}

const NAMES = ['acceptedEpoch', 'currentEpoch', 'headkeeper.epochs'];

describe('epochs at the start', () => {
  const decided = (accepted: string | null, current: string | null, lastZxid: number): Epochs | string => {
    const { epochs, damage } = decideEpochs({ accepted, current }, lastZxid);
    return damage ?? epochs;
  };

  it('are those of the files', () => {
    assert.deepEqual(decided('7', '6', 6 * EPOCH + 3), { accepted: 7, current: 6 });
    assert.deepEqual(decided('7\nnoise', '5', 2 * EPOCH), { accepted: 7, current: 5 });
    assert.deepEqual(decided('0', '0', 0), { accepted: 0, current: 0 });
  });

  it('come from the last zxid when a file is missing', () => {
    assert.deepEqual(decided(null, null, 27 * EPOCH), { accepted: 27, current: 27 });
    assert.deepEqual(decided(null, '28', 27 * EPOCH + 9), { accepted: 28, current: 28 });
    assert.deepEqual(decided('30', null, 27 * EPOCH + 9), { accepted: 30, current: 27 });
    assert.deepEqual(decided(null, null, -1), { accepted: 0, current: 0 });
  });

  it('follow a history that got ahead of them (S20)', () => {
    assert.deepEqual(decided('6', '5', 6 * EPOCH + 2), { accepted: 6, current: 6 });
    assert.deepEqual(decided(null, '5', 6 * EPOCH), { accepted: 6, current: 6 });
  });

  it('are a guess when the files make no sense (S21, D10)', () => {
    for (const text of ['', ' 7', '7 ', '7x', '-1', '+7', '0x7', '2097152', '99999999999']) {
      const { epochs, damage } = decideEpochs({ accepted: text, current: '5' }, 4 * EPOCH);
      assert.match(damage ?? '', /acceptedEpoch holds/, text);
      assert.deepEqual(epochs, { accepted: 5, current: 4 });
      assert.match(decideEpochs({ accepted: '9', current: text }, 0).damage ?? '', /currentEpoch holds/, text);
    }
    assert.deepEqual(decideEpochs({ accepted: '5', current: '7' }, 4 * EPOCH).epochs, { accepted: 7, current: 4 });
    const behind = decideEpochs({ accepted: '1', current: '1' }, 27 * EPOCH);
    assert.match(behind.damage ?? '', /history is of epoch 27/);
    assert.deepEqual(behind.epochs, { accepted: 27, current: 27 });
  });
});

describe('epochs that one flipped bit has changed (D10)', () => {
  const decide = (disk: SimDisk, lastZxid: number): ReturnType<typeof decideEpochs> => {
    return decideEpochs(readEpochTexts(disk, FOLDER), lastZxid);
  };

  it('are found by the copy when they are less than they have been, and the promise is still known', () => {
    for (const [name, text] of [
      ['acceptedEpoch', '9'],
      ['currentEpoch', '1'],
    ] as const) {
      const disk = emptyDisk();
      storeEpochs(disk, FOLDER, { accepted: 13, current: 12 });
      put(disk, `${FOLDER}/${name}`, text);
      const { epochs, damage } = decide(disk, 5 * EPOCH + 7);
      assert.match(damage ?? '', new RegExp(`${name} has been 1[23], and is ${text}`));
      assert.deepEqual(epochs, { accepted: 13, current: 5 });
    }
  });

  it('promise no epoch that only a flipped currentEpoch speaks of: what the copy says was accepted is still known', () => {
    const disk = emptyDisk();
    storeEpochs(disk, FOLDER, { accepted: 3, current: 0 });
    put(disk, `${FOLDER}/currentEpoch`, '8');
    const { epochs, damage } = decide(disk, 0);
    assert.match(damage ?? '', /acceptedEpoch is 3, less than currentEpoch, 8/);
    assert.deepEqual(epochs, { accepted: 3, current: 0 });
    // What the history shows was accepted, whatever the files say.
    assert.deepEqual(decide(disk, 5 * EPOCH + 7).epochs, { accepted: 5, current: 5 });
  });

  it('are found when the disk cannot read the file', () => {
    const disk = emptyDisk();
    storeEpochs(disk, FOLDER, { accepted: 13, current: 12 });
    disk.makeUnreadable(`${FOLDER}/acceptedEpoch`, 0, 1);
    assert.match(decide(disk, 0).damage ?? '', /acceptedEpoch holds ""/);
    assert.equal(decide(disk, 0).epochs.accepted, 13);
  });

  it('are believed when they are more than the copy says: Apache has been at work since, or a crash came between', () => {
    const disk = emptyDisk();
    storeEpochs(disk, FOLDER, { accepted: 13, current: 12 });
    put(disk, `${FOLDER}/acceptedEpoch`, '14');
    put(disk, `${FOLDER}/currentEpoch`, '14');
    assert.deepEqual(start(disk, 12 * EPOCH), { accepted: 14, current: 14 });
    assert.deepEqual(readEpochTexts(disk, FOLDER).copy, { accepted: 14, current: 14 });
  });

  it('are believed without a copy, or with one that has decayed; half of it is enough', () => {
    const disk = emptyDisk();
    storeEpochs(disk, FOLDER, { accepted: 13, current: 12 });
    storeEpochs(disk, FOLDER, { accepted: 14, current: 12 });
    disk.rot(`${FOLDER}/headkeeper.epochs`, 0, 512, 'junk', 1);
    assert.deepEqual(readEpochTexts(disk, FOLDER).copy, { accepted: 13, current: 12 });
    disk.rot(`${FOLDER}/headkeeper.epochs`, 512, 1024, 'zeros', 1);
    assert.equal(readEpochTexts(disk, FOLDER).copy, null);
    assert.equal(decide(disk, 0).damage, null);
  });
});

describe('epoch files', () => {
  it('hold plain numbers, and nothing is left but those and their copy', () => {
    const disk = emptyDisk();
    const store = createEpochStore(disk, FOLDER);
    assert.equal(store.read(), null);
    store.write({ accepted: 12, current: 3 });
    const copy = { accepted: 12, current: 3 };
    assert.deepEqual(readEpochTexts(disk, FOLDER), { accepted: '12', current: '3', copy });
    assert.deepEqual(disk.listSync(FOLDER).sort(), NAMES);
    assert.deepEqual(createEpochStore(disk, FOLDER).read(), { accepted: 12, current: 3 });
  });

  it('are written only when they change', () => {
    const disk = emptyDisk();
    const store = createEpochStore(disk, FOLDER);
    store.write({ accepted: 2, current: 1 });
    const before = disk.operations;
    store.write({ accepted: 2, current: 1 });
    assert.equal(disk.operations, before);
  });

  it('never go back', () => {
    const store = createEpochStore(emptyDisk(), FOLDER);
    store.write({ accepted: 3, current: 2 });
    for (const [accepted, current] of [
      [2, 2],
      [3, 1],
      [3, 4],
    ] as const) {
      assert.throws(() => store.write({ accepted, current }), /epochs/);
    }
    assert.deepEqual(store.read(), { accepted: 3, current: 2 });
  });

  it('are refused when they cannot be', () => {
    const disk = emptyDisk();
    const store = createEpochStore(disk, FOLDER);
    put(disk, `${FOLDER}/acceptedEpoch`, '4');
    assert.throws(() => store.read(), EpochsDamaged);
    put(disk, `${FOLDER}/currentEpoch`, '5');
    assert.throws(() => store.read(), EpochsDamaged);
    assert.throws(() => store.write({ accepted: 6, current: 5 }), EpochsDamaged);
    put(disk, `${FOLDER}/currentEpoch`, '4');
    assert.deepEqual(store.read(), { accepted: 4, current: 4 });
  });

  it('are written anew by a server that knows them, when they have decayed under it', () => {
    for (const name of NAMES) {
      const disk = emptyDisk();
      const epochs = start(disk, 3 * EPOCH + 1);
      const store = createEpochStore(disk, FOLDER);
      store.settled(epochs);
      if (name === 'acceptedEpoch') disk.makeUnreadable(`${FOLDER}/${name}`, 0, 1);
      else disk.rot(`${FOLDER}/${name}`, 0, 512, 'junk', 1);
      store.write({ accepted: 4, current: 3 });
      assert.deepEqual(start(disk, 3 * EPOCH + 1), { accepted: 4, current: 3 }, name);
      if (name === 'currentEpoch') put(disk, `${FOLDER}/${name}`, '9');
      store.write({ accepted: 4, current: 4 });
      assert.deepEqual(start(disk, 4 * EPOCH + 1), { accepted: 4, current: 4 }, name);
      assert.throws(() => store.write({ accepted: 3, current: 3 }), /epochs/);
    }
  });

  it('tell of an error of the disk, and hold the old or the new epoch', () => {
    for (const operation of ['create', 'write', 'sync', 'rename', 'syncDir'] as const) {
      const disk = emptyDisk();
      const store = createEpochStore(disk, FOLDER);
      store.write({ accepted: 1, current: 1 });
      disk.failOn(operation, 1, 'EIO');
      assert.throws(() => store.write({ accepted: 2, current: 1 }), { code: 'EIO' });
      assert.equal(store.read()?.current, 1, operation);
    }
  });

  it('survive a crash at every operation: what was promised stays, accepted is never behind (S20, D09)', () => {
    const disk = emptyDisk();
    const steps: Epochs[] = [
      { accepted: 1, current: 0 },
      { accepted: 1, current: 1 },
      { accepted: 9, current: 1 },
      { accepted: 10, current: 10 },
      { accepted: 11, current: 11 },
    ];
    let written: Epochs = { accepted: 0, current: 0 };
    let writing: Epochs = written;
    const crashes = exploreCrashes(
      disk,
      { tornSeeds: [1, 2, 3, 4, 5] },
      () => {
        const store = createEpochStore(disk, FOLDER);
        for (const epochs of [written, ...steps]) {
          writing = epochs;
          store.write(epochs);
          written = epochs;
        }
      },
      (point) => {
        // The history may have reached the epoch that was about to be written.
        for (const lastZxid of [written.current * EPOCH, writing.current * EPOCH + 1]) {
          const after = point.disk.fork();
          if (lastZxid >= EPOCH * (written.accepted + 1)) continue;
          const found = start(after, lastZxid);
          assert.ok(found.accepted >= written.accepted && found.accepted <= writing.accepted, point.label);
          assert.ok(found.current >= written.current && found.current <= writing.current, point.label);
          after.crash('lose');
          assert.deepEqual(createEpochStore(after, FOLDER).read(), found, point.label);
          assert.deepEqual(after.listSync(FOLDER).sort(), NAMES, point.label);
        }
      },
    );
    assert.ok(crashes > 200, `only ${crashes} crashes`);
  });
});

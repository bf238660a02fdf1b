import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeTxn, OpCode, type Txn, WORLD_ANYONE_ALL, Writer } from '@headkeeper/protocol';
import { CoreHarness, exploreCrashes, SimDisk } from '@headkeeper/testkit';
import { openDataDir } from '../../src/adapters/disk/data-dir.ts';
import { FolderInUse } from '../../src/adapters/disk/folder-lock.ts';
import { createRecoverySource } from '../../src/adapters/disk/recovery-files.ts';
import { RestoreDraft, type RestoreFolder, type RestoreWorld } from '../../src/backup/restore-folder.ts';
import { type RestoreProblem, RestoreRefused } from '../../src/backup/restore-refused.ts';
import { epochBeyond, type RestoredData, writeRestored } from '../../src/backup/restore-write.ts';
import { Database } from '../../src/core/database.ts';
import { type Recovery, recover } from '../../src/core/log/recovery.ts';
import { RecoveredState } from '../../src/core/recovered-state.ts';
import { limits } from '../../src/limits.ts';
import { type DumpedNode, nodesOf } from '../core/tree-dump.ts';
import { put } from '../disk/files.ts';

const TWO_32 = 4294967296;
const SETTINGS = new CoreHarness().settings;

const together: RestoreFolder = { dataDir: '/data', dataLogDir: '/data', myid: null };
const SERVERS: readonly RestoreFolder[] = [1, 2].map((sid) => ({
  dataDir: `/s${sid}`,
  dataLogDir: `/s${sid}`,
  myid: sid,
}));
const apart: RestoreFolder = { dataDir: '/data', dataLogDir: '/logs', myid: 3 };

function worldOf(disk: SimDisk): RestoreWorld {
  // The twin keeps an empty folder: no server looks at it, and the next restore uses it again.
  return { disk, lock: () => ({ release() {} }), removeFolder() {} };
}

type Body = Pick<Txn, 'op' | 'body'>;

/** A state of epoch 6 with sessions, ephemerals of one of them below a parent, and znodes of every kind. */
function someState(): RecoveredState {
  const state = new RecoveredState(new Database(SETTINGS));
  state.loaded(0, null);
  let zxid = 6 * TWO_32;
  const apply = (session: bigint, { op, body }: Body): void => {
    const out = new Writer();
    const header = {
      clientId: session,
      cxid: 1,
      zxid: ++zxid,
      time: 1_790_000_000_000 + (zxid % 1000),
      type: OpCode[op],
    };
    encodeTxn(out, { header, op, body, digest: null } as Txn);
    state.applyTxn(out.bytes, out.view, 0, out.length);
  };
  const create = (path: string, ephemeral: boolean, parentCVersion: number): Body => ({
    op: 'create',
    body: { path, data: Uint8Array.of(1, 2, 3), acl: WORLD_ANYONE_ALL, ephemeral, parentCVersion },
  });
  for (const session of [0x30000000a5n, -2n]) apply(session, { op: 'createSession', body: { timeOut: 30_000 } });
  apply(0x30000000a5n, create('/app', false, 1));
  apply(0x30000000a5n, create('/app/lock-2', true, 1));
  apply(0x30000000a5n, create('/app/lock-1', true, 2));
  apply(0x30000000a5n, create('/app/kept', false, 3));
  const ttl = { path: '/app/ttl', data: null, acl: WORLD_ANYONE_ALL, parentCVersion: 4, ttl: 60_000 };
  apply(-2n, { op: 'createTTL', body: ttl });
  return state;
}

function dataOf(state: RecoveredState, newEpoch: number | null): RestoredData {
  const { database } = state;
  return { database, zxid: database.lastZxid, timeMs: 1_790_000_000_007, withDigest: true, newEpoch };
}

function recovered(disk: SimDisk, folder: RestoreFolder): Recovery<RecoveredState> {
  const source = createRecoverySource(disk, `${folder.dataDir}/version-2`, `${folder.dataLogDir}/version-2`);
  return recover(source, () => new RecoveredState(new Database(SETTINGS)), {
    trustEmptySnapshot: false,
    maxRecordBytes: 1 << 20,
  });
}

function textOf(disk: SimDisk, path: string): string {
  const source = disk.openReadSync(path);
  const bytes = new Uint8Array(source.size);
  source.readSync(bytes, 0, bytes.length, 0);
  return new TextDecoder().decode(bytes);
}

function refusal(run: () => void, problem: RestoreProblem): string {
  let message = '';
  assert.throws(run, (error) => {
    assert.ok(error instanceof RestoreRefused, String(error));
    message = error.message;
    return error.problem === problem;
  });
  return message;
}

describe('a restored directory', () => {
  for (const folder of [together, apart]) {
    it(`goes on in a new epoch, without the old sessions (${folder.dataLogDir})`, () => {
      const disk = new SimDisk(1);
      const state = someState();
      const before = nodesOf(state.database.tree);
      const written = writeRestored(worldOf(disk), [folder], dataOf(state, 262));
      assert.deepEqual(
        [written.snapshotZxid, written.lastZxid, written.epoch, written.sessionsEnded, written.ephemeralsRemoved],
        [262 * TWO_32, 262 * TWO_32 + 2, 262, 2, 2],
      );
      const { state: after, lastZxid, snapshotZxid, warnings } = recovered(disk, folder);
      assert.deepEqual([lastZxid, snapshotZxid, warnings], [262 * TWO_32 + 2, 262 * TWO_32, []]);
      assert.equal(after.mismatchCount, 0);
      assert.equal(after.database.sessions.size, 0);
      assert.deepEqual(
        nodesOf(after.database.tree).map(withoutPzxid),
        before.filter(({ path }) => !path.startsWith('/app/lock-')).map(withoutPzxid),
      );
      for (const name of ['acceptedEpoch', 'currentEpoch']) {
        assert.equal(textOf(disk, `${folder.dataDir}/version-2/${name}`), '262');
      }
      if (folder.myid !== null) assert.equal(textOf(disk, `${folder.dataDir}/myid`), '3\n');
      assert.deepEqual(after.digestMismatches, []);
    });
  }

  it('can go on where the backup ends, with the very same state', () => {
    const disk = new SimDisk(1);
    const state = someState();
    const zxid = state.database.lastZxid;
    const before = nodesOf(state.database.tree);
    const written = writeRestored(worldOf(disk), [together], dataOf(state, null));
    assert.deepEqual([written.snapshotZxid, written.lastZxid, written.epoch], [zxid, zxid, 6]);
    const { state: after, lastZxid } = recovered(disk, together);
    assert.equal(lastZxid, zxid);
    assert.deepEqual(nodesOf(after.database.tree), before);
    assert.equal(after.database.sessions.size, 2);
    assert.deepEqual(disk.listSync('/data/version-2').sort(), [
      'acceptedEpoch',
      'currentEpoch',
      'headkeeper.epochs',
      `snapshot.${zxid.toString(16)}`,
    ]);
  });

  it('is the same for every server, whenever it is made', () => {
    const filesOf = (): string[] => {
      const disk = new SimDisk(1);
      const folders = [1, 2].map((sid) => ({ dataDir: `/s${sid}`, dataLogDir: `/s${sid}`, myid: sid }));
      writeRestored(worldOf(disk), folders, dataOf(someState(), 300));
      return folders.flatMap(({ dataDir }) =>
        disk
          .listSync(`${dataDir}/version-2`)
          .sort()
          .map((name) => `${name} ${textOf(disk, `${dataDir}/version-2/${name}`)}`),
      );
    };
    const files = filesOf();
    assert.equal(files.length, 10);
    assert.deepEqual(files.slice(0, 5), files.slice(5));
    assert.deepEqual(filesOf(), files);
  });

  it('has no digests if the backup has none', () => {
    const disk = new SimDisk(1);
    writeRestored(worldOf(disk), [together], { ...dataOf(someState(), 300), withDigest: false });
    const source = createRecoverySource(disk, '/data/version-2', '/data/version-2');
    let withDigest = 0;
    const state = new RecoveredState(new Database(SETTINGS));
    recover(
      source,
      () => ({
        loadSession: (...given) => state.loadSession(...given),
        loadAcl: (...given) => state.loadAcl(...given),
        loadNode: (...given) => state.loadNode(...given),
        loaded(zxid, digest) {
          assert.equal(digest, null);
          state.loaded(zxid, digest);
        },
        applyTxn(...given) {
          state.applyTxn(...given);
          if (state.database.applier.hasDigest) withDigest++;
        },
      }),
      { trustEmptySnapshot: false, maxRecordBytes: 1 << 20 },
    );
    assert.equal(state.database.lastZxid, 300 * TWO_32 + 2);
    assert.equal(withDigest, 0);
  });

  it('ends a session with more ephemerals than one txn can list', () => {
    const state = new RecoveredState(new Database(SETTINGS));
    state.loaded(0, null);
    let zxid = TWO_32;
    const out = new Writer();
    const apply = (body: Body): void => {
      out.length = 0;
      const header = { clientId: 5n, cxid: 1, zxid: ++zxid, time: 1, type: OpCode[body.op] };
      encodeTxn(out, { header, ...body, digest: null } as Txn);
      state.applyTxn(out.bytes, out.view, 0, out.length);
    };
    apply({ op: 'createSession', body: { timeOut: 30_000 } });
    for (let i = 0; i < 4000; i++) {
      const path = `/${'x'.repeat(100)}-${i}`;
      const body = { path, data: null, acl: WORLD_ANYONE_ALL, ephemeral: true, parentCVersion: i + 1 };
      apply({ op: 'create', body });
    }
    const disk = new SimDisk(1);
    const written = writeRestored(worldOf(disk), [together], dataOf(state, 300));
    assert.equal(written.ephemeralsRemoved, 4000);
    const { state: after } = recovered(disk, together);
    assert.deepEqual(
      nodesOf(after.database.tree).map(({ path }) => path),
      ['', '/zookeeper', '/zookeeper/config', '/zookeeper/quota'],
    );
    assert.equal(after.mismatchCount, 0);
    const log = disk.openReadSync(`/data/version-2/log.${(300 * TWO_32 + 1).toString(16)}`);
    assert.ok(log.size < 512 * 1024, `${log.size} bytes: more than servers read as one txn`);
  });
});

describe('a directory that a restore must not touch', () => {
  it('is one that holds anything', () => {
    for (const [path, name] of [
      ['/data/version-2/snapshot.0', 'version-2/snapshot.0'],
      ['/data/version-2/acceptedEpoch', 'version-2/acceptedEpoch'],
      ['/data/notes.txt', 'notes.txt'],
    ] as const) {
      const disk = new SimDisk(1);
      disk.makeFolderSync('/data');
      disk.makeFolderSync('/data/version-2');
      put(disk, path, '');
      const message = refusal(() => writeRestored(worldOf(disk), [together], dataOf(someState(), 9)), 'not-empty');
      assert.ok(message.includes(`/data is not empty: it holds ${name}`), message);
      assert.deepEqual(disk.listSync('/data/version-2').length, path.includes('version-2') ? 1 : 0);
    }
  });

  it('is one that a server holds, and the other directories then stay as they were', () => {
    const disk = new SimDisk(1);
    const world: RestoreWorld = {
      ...worldOf(disk),
      lock(folder) {
        if (folder === '/s2') throw new FolderInUse(folder, 4711, 'here');
        return { release() {} };
      },
    };
    const folders = [1, 2].map((sid) => ({ dataDir: `/s${sid}`, dataLogDir: `/s${sid}`, myid: sid }));
    const message = refusal(() => writeRestored(world, folders, dataOf(someState(), 9)), 'in-use');
    assert.match(message, /\/s2 is in use by Headkeeper process 4711/);
    assert.ok(!disk.existsSync('/s1/version-2'));
  });

  it('is that of another server of the ensemble', () => {
    const disk = new SimDisk(1);
    disk.makeFolderSync('/data');
    put(disk, '/data/myid', '2\n');
    const message = refusal(() => writeRestored(worldOf(disk), [apart], dataOf(someState(), 9)), 'wrong-myid');
    assert.match(message, /\/data\/myid names server 2, and the data for server 3/);
  });

  it('is none that was only prepared', () => {
    const disk = new SimDisk(1);
    for (const path of ['/data', '/data/version-2', '/data/lost+found']) disk.makeFolderSync(path);
    for (const name of ['myid', 'initialize', 'headkeeper.origin', 'headkeeper.lock'])
      put(disk, `/data/${name}`, '3\n');
    const draft = new RestoreDraft(worldOf(disk), together);
    draft.abandon();
    writeRestored(worldOf(disk), [together], dataOf(someState(), 9));
    assert.equal(recovered(disk, together).lastZxid, 9 * TWO_32 + 2);
  });
});

describe('a new epoch', () => {
  it('is above all of the backup and within what zxids can hold', () => {
    assert.equal(epochBeyond(6 * TWO_32 + 77, 256), 262);
    refusal(() => epochBeyond(6 * TWO_32, 0), 'epoch');
    refusal(() => epochBeyond(limits.largestEpoch * TWO_32, 1), 'epoch');
  });
});

describe('a restore that does not come to its end', () => {
  it('leaves nothing when the disk is full, wherever that happens', () => {
    const roomy = new SimDisk(1);
    writeRestored(worldOf(roomy), [apart], dataOf(someState(), 9));
    let failures = 0;
    for (let capacity = 0; ; capacity += 97) {
      const disk = new SimDisk(1);
      disk.capacity = capacity;
      try {
        writeRestored(worldOf(disk), [apart], dataOf(someState(), 9));
        break;
      } catch (error) {
        assert.ok(error instanceof RestoreRefused && error.problem === 'disk', String(error));
        assert.match(error.message, /the disk of \/data and \/logs is full .* make room and try again/);
        failures++;
      }
      for (const folder of ['/data', '/logs']) {
        assert.ok(!disk.existsSync(`${folder}/version-2`), `${folder} at ${capacity}`);
        if (disk.existsSync(`${folder}/version-2.restoring`)) {
          assert.deepEqual(disk.listSync(`${folder}/version-2.restoring`), []);
        }
      }
      disk.capacity = Number.POSITIVE_INFINITY;
      writeRestored(worldOf(disk), [apart], dataOf(someState(), 9));
      assert.equal(recovered(disk, apart).lastZxid, 9 * TWO_32 + 2);
    }
    assert.ok(failures > 5, `${failures} failures`);
  });

  it('leaves nothing in any directory when one of them cannot be completed', () => {
    class Failing extends SimDisk {
      override renameSync(from: string, to: string): void {
        if (to === '/s2/version-2') throw Object.assign(new Error('EIO: i/o error, rename'), { code: 'EIO' });
        super.renameSync(from, to);
      }
    }
    const disk = new Failing(1);
    const message = refusal(() => writeRestored(worldOf(disk), SERVERS, dataOf(someState(), 9)), 'disk');
    assert.match(message, /\/s2 cannot be written: EIO.* What was written is removed/);
    for (const { dataDir } of SERVERS) assert.equal(disk.existsSync(`${dataDir}/version-2`), false, dataDir);
    assert.deepEqual(
      SERVERS.flatMap(({ dataDir }) => disk.listSync(`${dataDir}/version-2.restoring`)),
      [],
    );
  });

  it('lets no server of the ensemble start empty beside one that is restored, whenever the machine crashes', () => {
    const disk = new SimDisk(8);
    let mixed = 0;
    const crashes = exploreCrashes(
      disk,
      { tornSeeds: [1, 2] },
      () => {
        writeRestored(worldOf(disk), SERVERS, dataOf(someState(), 9));
      },
      ({ disk: after, label }) => {
        const restored = SERVERS.filter(({ dataDir }) => after.existsSync(`${dataDir}/version-2/currentEpoch`));
        if (restored.length === 0 || restored.length === SERVERS.length) return;
        mixed++;
        for (const folder of SERVERS) {
          const start = (): void => {
            openDataDir({ disk: after, ...folder, autocreate: true, lock: () => ({ release() {} }) });
          };
          if (restored.includes(folder)) start();
          else assert.throws(start, /shows that a restore into \/s\d was interrupted/, label);
        }
      },
    );
    assert.ok(crashes > 20 && mixed > 1, `${crashes} crashes, ${mixed} between the first and the last`);
  });

  it('leaves a log without its snapshot only so that servers say so and the next restore goes on, whenever the machine crashes', () => {
    const disk = new SimDisk(9);
    let alone = 0;
    let complete = 0;
    const crashes = exploreCrashes(
      disk,
      { tornSeeds: [1, 2] },
      () => {
        writeRestored(worldOf(disk), [apart], dataOf(someState(), 9));
      },
      ({ disk: after, label }) => {
        const has = (folder: string): boolean =>
          after.existsSync(`${folder}/version-2`) && after.listSync(`${folder}/version-2`).length > 0;
        const start = (): void => {
          openDataDir({ disk: after, ...apart, autocreate: true, lock: () => ({ release() {} }) }).release();
        };
        if (has('/data')) {
          start();
          assert.deepEqual(after.listSync('/logs/version-2'), [`log.${(9 * TWO_32 + 1).toString(16)}`], label);
          assert.equal(recovered(after, apart).lastZxid, 9 * TWO_32 + 2, label);
          complete++;
          return;
        }
        if (has('/logs')) {
          alone++;
          assert.throws(start, { problem: 'half-restored' }, label);
          // Without the draft of the snapshot, too: somebody may have followed that advice.
          for (const name of after.listSync('/data/version-2.restoring'))
            after.removeSync(`/data/version-2.restoring/${name}`);
          assert.throws(start, /holds the log of a restore that was interrupted before its snapshot/, label);
          const other = { ...apart, dataDir: '/other' };
          refusal(() => writeRestored(worldOf(after), [other], dataOf(someState(), 10)), 'not-empty');
        }
        writeRestored(worldOf(after), [apart], dataOf(someState(), 10));
        assert.equal(recovered(after, apart).lastZxid, 10 * TWO_32 + 2, label);
        assert.deepEqual(after.listSync('/logs/version-2'), [`log.${(10 * TWO_32 + 1).toString(16)}`], label);
      },
    );
    assert.ok(crashes > 50 && alone > 1 && complete > 1, `${crashes} crashes, ${alone} alone, ${complete} complete`);
  });

  it('goes on after a crash while the log that was left alone is removed', () => {
    const disk = new SimDisk(10);
    for (const path of ['/data', '/logs', '/logs/version-2']) disk.makeFolderSync(path);
    put(disk, '/logs/version-2/log.900000001', 'x');
    put(disk, '/logs/version-2/headkeeper.restoring', '/data\n');
    for (const folder of ['/logs/version-2', '/logs', '/']) disk.syncDirSync(folder);
    let resumed = 0;
    exploreCrashes(
      disk,
      { tornSeeds: [1] },
      () => {
        new RestoreDraft(worldOf(disk), apart).abandon();
      },
      ({ disk: after, label }) => {
        writeRestored(worldOf(after), [apart], dataOf(someState(), 10));
        assert.equal(recovered(after, apart).lastZxid, 10 * TWO_32 + 2, label);
        resumed++;
      },
    );
    assert.ok(resumed > 5, `${resumed} crashes`);
  });

  it('is never served by half, whenever the machine crashes', () => {
    for (const folder of [together, apart]) {
      const disk = new SimDisk(7);
      let complete = 0;
      let nothing = 0;
      let promised = false;
      const crashes = exploreCrashes(
        disk,
        { tornSeeds: [1, 2, 3] },
        () => {
          writeRestored(worldOf(disk), [folder], dataOf(someState(), 9));
          promised = true;
        },
        ({ disk: after, label }) => {
          const hasSnapshot =
            after.existsSync(`${folder.dataDir}/version-2`) && after.listSync(`${folder.dataDir}/version-2`).length > 0;
          if (!hasSnapshot) {
            assert.ok(!promised, label);
            nothing++;
            return;
          }
          const { lastZxid, state, warnings } = recovered(after, folder);
          assert.deepEqual([lastZxid, state.mismatchCount, warnings], [9 * TWO_32 + 2, 0, []], label);
          for (const name of ['acceptedEpoch', 'currentEpoch']) {
            assert.equal(textOf(after, `${folder.dataDir}/version-2/${name}`), '9', label);
          }
          complete++;
        },
      );
      assert.ok(crashes > 50 && complete > 0 && nothing > 0, `${crashes} crashes, ${complete} complete`);
    }
  });
});

/** The end of a session counts as a change of its ephemerals' parents. */
function withoutPzxid({ path, data, acl, stat }: DumpedNode): object {
  return { path, data, acl, stat: path === '/app' ? stat.slice(0, 13) : stat };
}

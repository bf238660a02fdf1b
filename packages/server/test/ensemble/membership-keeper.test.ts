import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimDisk } from '@headkeeper/testkit';
import { readWhole } from '../../src/adapters/disk/recovery-files.ts';
import { parseServerConfig } from '../../src/config/parse.ts';
import type { ServerConfig } from '../../src/config/schema.ts';
import { type Membership, parseMembership } from '../../src/core/membership/membership.ts';
import { membershipKeeper } from '../../src/services/membership-keeper.ts';

const FILE = '/etc/zoo.cfg';
const BASE = 'dataDir=/data\nclientPort=2181\ninitLimit=10\nsyncLimit=5\n';
const TWO = 'server.1=a:2888:3888\nserver.2=b:2888:3888\n';

function diskWith(text: string): SimDisk {
  const disk = new SimDisk(1);
  disk.makeFolderSync('/etc');
  const bytes = new TextEncoder().encode(text);
  const file = disk.createSync(FILE);
  file.writeSync(bytes, 0, bytes.length, 0);
  file.closeSync();
  return disk;
}

function textOf(disk: SimDisk, path: string): string | null {
  if (path === '/data/myid') return '1';
  return disk.existsSync(path) ? new TextDecoder().decode(readWhole(disk, path)) : null;
}

function configOn(disk: SimDisk): ServerConfig {
  return parseServerConfig(textOf(disk, FILE) as string, { file: FILE, readFile: (path) => textOf(disk, path) });
}

function membership(version: number, hosts: string): Membership {
  const lines = [...hosts].map((host, at) => `server.${at + 1}=${host}:2888:3888`);
  return parseMembership([...lines, `version=${version.toString(16)}`].join('\n'));
}

const neverFails = (error: Error): never => assert.fail(error);

describe('the membership of an ensemble that can be reconfigured', () => {
  /** Versions of committed and last seen that the next start would find. */
  const found = (disk: SimDisk): (number | undefined)[] => {
    const { ensemble } = configOn(disk);
    return [ensemble?.membership.version, ensemble?.lastSeen.version];
  };

  it('is kept from change to change, and from life to life', () => {
    const disk = diskWith(`${BASE}reconfigEnabled=true\n${TWO}`);
    const first = membership(1, 'ab');
    const next = membership(5, 'abc');
    let keep = membershipKeeper(configOn(disk), disk, neverFails);
    assert.equal(textOf(disk, `${FILE}.bak`), `${BASE}reconfigEnabled=true\n${TWO}`);
    keep({ committed: first, lastSeen: first });
    assert.deepEqual(found(disk), [1, 1]);
    keep({ committed: first, lastSeen: next });
    assert.deepEqual(found(disk), [1, 5]);
    keep = membershipKeeper(configOn(disk), disk, neverFails);
    keep({ committed: next, lastSeen: next });
    assert.deepEqual(found(disk), [5, 5]);
    keep({ committed: next, lastSeen: membership(9, 'ab') });
    assert.deepEqual(found(disk), [5, 9]);
    keep({ committed: next, lastSeen: next });
    assert.deepEqual(found(disk), [5, 5]);
  });

  it('is not written by a server that joins, before the others take it in: it could not start again', () => {
    const disk = diskWith(`${BASE}reconfigEnabled=true\n${TWO}`);
    const theirs = parseMembership('server.2=b:2888:3888\nserver.3=c:2888:3888\nversion=7');
    const ours = parseMembership('server.1=a:2888:3888\nserver.2=b:2888:3888\nserver.3=c:2888:3888\nversion=9');
    let keep = membershipKeeper(configOn(disk), disk, neverFails);
    keep({ committed: theirs, lastSeen: theirs });
    assert.deepEqual(found(disk), [0, 0]);
    keep = membershipKeeper(configOn(disk), disk, neverFails);
    keep({ committed: theirs, lastSeen: theirs });
    keep({ committed: theirs, lastSeen: ours });
    assert.deepEqual(found(disk), [7, 9]);
    keep({ committed: ours, lastSeen: ours });
    assert.deepEqual(found(disk), [9, 9]);
    const without = theirs.withVersion(12);
    keep({ committed: without, lastSeen: without });
    assert.match(textOf(disk, FILE) as string, /dynamic\.c$/m, 'that it was removed is kept');
  });

  it('is written only when it has changed', () => {
    const disk = diskWith(`${BASE}reconfigEnabled=true\n${TWO}`);
    const change = { committed: membership(1, 'ab'), lastSeen: membership(2, 'abc') };
    const keep = membershipKeeper(configOn(disk), disk, neverFails);
    keep(change);
    const before = disk.operations;
    keep(change);
    assert.equal(disk.operations, before);
  });

  it('is reported, and lost for the next life, when it cannot be written', () => {
    const disk = diskWith(`${BASE}reconfigEnabled=true\n${TWO}`);
    const errors: string[] = [];
    const keep = membershipKeeper(configOn(disk), disk, (error) => errors.push(error.message));
    disk.capacity = 0;
    keep({ committed: membership(1, 'ab'), lastSeen: membership(1, 'ab') });
    assert.equal(errors.length, 1);
    assert.match(errors[0] as string, /could not be written beside \/etc\/zoo\.cfg: .*ENOSPC/);
    assert.deepEqual(found(disk), [0, 0]);
  });
});

describe('the membership of any other server', () => {
  it('is written nowhere', () => {
    for (const text of [BASE + TWO, BASE]) {
      const disk = diskWith(text);
      const before = disk.operations;
      membershipKeeper(
        configOn(disk),
        disk,
        neverFails,
      )({
        committed: membership(1, 'ab'),
        lastSeen: membership(2, 'ab'),
      });
      assert.equal(disk.operations, before);
    }
  });
});

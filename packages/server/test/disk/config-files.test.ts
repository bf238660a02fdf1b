import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exploreCrashes, SimDisk } from '@headkeeper/testkit';
import { ConfigFiles } from '../../src/adapters/disk/config-files.ts';
import { readWhole } from '../../src/adapters/disk/recovery-files.ts';
import { configFileForms } from '../../src/config/dynamic-config.ts';
import { parseServerConfig } from '../../src/config/parse.ts';
import type { ServerConfig } from '../../src/config/schema.ts';
import { type Membership, parseMembership } from '../../src/core/membership/membership.ts';
import { put } from './files.ts';

const FILE = '/etc/zoo.cfg';
const STATIC = `# our ensemble
dataDir=/data
tickTime=2000
initLimit=10
syncLimit = 5
clientPort=2181
reconfigEnabled=true
peerType=participant

# its members
server.1=a:2888:\\
  3888
server.2=b:2888:3888
`;

function membership(version: number, hosts: string, client = ''): Membership {
  const lines = [...hosts].map((host, at) => `server.${at + 1}=${host}:2888:3888${at === 0 ? client : ''}`);
  return parseMembership([...lines, `version=${version.toString(16)}`].join('\n'));
}

function textOf(disk: SimDisk, path: string): string | null {
  return disk.existsSync(path) ? new TextDecoder().decode(readWhole(disk, path)) : null;
}

function diskWith(text: string): SimDisk {
  const disk = new SimDisk(1);
  for (const folder of ['/etc', '/data']) disk.makeFolderSync(folder);
  put(disk, FILE, text);
  put(disk, '/data/myid', '1\n');
  for (const folder of ['/', '/etc', '/data']) disk.syncDirSync(folder);
  return disk;
}

/** What a start would read now. */
function configOn(disk: SimDisk): ServerConfig {
  const text = textOf(disk, FILE);
  assert.ok(text !== null);
  return parseServerConfig(text, { file: FILE, readFile: (path) => textOf(disk, path) });
}

function filesOver(disk: SimDisk): ConfigFiles {
  return new ConfigFiles({ disk, file: FILE, sid: 1, lastSeenVersion: null, forms: configFileForms });
}

/** Writes memberships, crashes everywhere, and looks at what a start would find. */
function crashEverywhere(disk: SimDisk): { crashes: number; found: ReadonlySet<string> } {
  /** Versions of committed and last seen that a start may find now. */
  let allowed: string[] = ['0 0'];
  const workload = (): void => {
    const files = filesOver(disk);
    files.backUp();
    const step = (becomes: string, run: () => void): void => {
      allowed = [...allowed, becomes];
      run();
      allowed = [becomes];
    };
    step('1 1', () => files.writeCommitted(membership(1, 'ab')));
    step('1 2', () => files.writeLastSeen(membership(2, 'abc')));
    step('2 2', () => files.writeCommitted(membership(2, 'abc')));
    step('2 3', () => files.writeLastSeen(membership(3, 'abcd')));
    step('2 2', () => files.dropLastSeen());
    step('2 4', () => files.writeLastSeen(membership(4, 'ab')));
    step('4 4', () => files.writeCommitted(membership(4, 'ab')));
  };
  const found = new Set<string>();
  const crashes = exploreCrashes(disk, { tornSeeds: [1, 2, 3] }, workload, ({ disk: left, label }) => {
    const { ensemble } = configOn(left);
    const versions = `${ensemble?.membership.version} ${ensemble?.lastSeen.version}`;
    assert.ok(allowed.includes(versions), `${label}: found ${versions}, expected ${allowed.join(' or ')}`);
    found.add(versions);
  });
  return { crashes, found };
}

describe('the files of a membership', () => {
  it('take over the lines of the configuration and leave the others as they were', () => {
    const disk = diskWith(STATIC);
    const files = filesOver(disk);
    files.backUp();
    files.writeCommitted(membership(0x100000000, 'ab'));
    assert.equal(
      textOf(disk, FILE),
      '# our ensemble\ndataDir=/data\ntickTime=2000\ninitLimit=10\nsyncLimit = 5\nclientPort=2181\nreconfigEnabled=true\n' +
        '\n# its members\ndynamicConfigFile=/etc/zoo.cfg.dynamic.100000000\n',
    );
    assert.equal(
      textOf(disk, '/etc/zoo.cfg.dynamic.100000000'),
      'server.1=a:2888:3888:participant\nserver.2=b:2888:3888:participant',
    );
    assert.equal(textOf(disk, '/etc/zoo.cfg.bak'), STATIC);
    const { ensemble } = configOn(disk);
    assert.equal(ensemble?.membership.version, 0x100000000);
    assert.equal(ensemble?.dynamicConfigFile, '/etc/zoo.cfg.dynamic.100000000');
  });

  it('take over the client port, too, when they hold it', () => {
    const disk = diskWith(STATIC);
    filesOver(disk).writeCommitted(membership(0x100000000, 'ab', ';10.0.0.1:2182'));
    assert.doesNotMatch(textOf(disk, FILE) as string, /clientPort/);
    const config = configOn(disk);
    assert.equal(config.clientPort, 2182);
    assert.equal(config.clientPortAddress, '10.0.0.1');
  });

  it('name the newest membership, and drop a proposal once it is committed or overtaken, not before', () => {
    const disk = diskWith(STATIC);
    const files = filesOver(disk);
    files.writeCommitted(membership(0x100000000, 'ab'));
    files.writeLastSeen(membership(0x100000007, 'abc'));
    assert.equal(configOn(disk).ensemble?.lastSeen.version, 0x100000007);
    files.writeCommitted(membership(0x100000005, 'ab'));
    assert.equal(configOn(disk).ensemble?.membership.version, 0x100000005);
    assert.equal(configOn(disk).ensemble?.lastSeen.version, 0x100000007);
    files.writeCommitted(membership(0x100000007, 'abc'));
    assert.equal(configOn(disk).ensemble?.lastSeen.voters.size, 3);
    assert.equal(disk.existsSync('/etc/zoo.cfg.dynamic.next'), false);
    files.writeLastSeen(membership(0x100000009, 'abcd'));
    files.dropLastSeen();
    files.dropLastSeen();
    assert.equal(configOn(disk).ensemble?.lastSeen.version, 0x100000007);
  });

  it('are the old or the new ones after a crash anywhere, and the new ones once a call has returned', () => {
    const { crashes, found } = crashEverywhere(diskWith(STATIC));
    assert.ok(crashes > 100, String(crashes));
    assert.deepEqual([...found].sort(), ['0 0', '1 1', '1 2', '2 2', '2 3', '2 4', '4 4']);
  });

  it('would not be on a disk that lies', () => {
    for (const lie of ['ignoreSync', 'ignoreSyncDir'] as const) {
      const disk = diskWith(STATIC);
      disk[lie] = true;
      assert.throws(() => crashEverywhere(disk), lie);
    }
  });
});

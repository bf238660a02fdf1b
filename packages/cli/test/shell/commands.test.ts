import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Finished, finished, HEADKEEPER, headkeeper } from '../headkeeper-process.ts';
import { lines, ServedFolder } from '../served-folder.ts';

const ZK_CLI = fileURLToPath(new URL('../../../../../bin/zkCli.sh', import.meta.url));

interface Told {
  readonly created?: string;
  readonly data?: unknown;
  readonly stat?: { readonly version: number };
  readonly event?: string;
  readonly path?: string;
}

describe('the shell', () => {
  let served: ServedFolder;
  let folder: string;

  before(async () => {
    served = await ServedFolder.start();
    folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-shell-'));
  });
  after(async () => {
    await served.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Pipes lines into a shell that says nothing about the connection. */
  function piped(text: string, ...words: string[]): Promise<Finished> {
    const argv = [HEADKEEPER, 'shell', '--quiet', '-server', served.address, ...words];
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.end(text);
    return finished(child);
  }

  function oneShot(...words: string[]): Promise<Finished> {
    return headkeeper(['shell', '--quiet', '-server', served.address, ...words]);
  }

  it('says in one line of JSON that there is no such command, and which one is the nearest', async () => {
    const meant = [
      ['bogus', null],
      ['gte', 'get'],
      ['LS', 'ls'],
      ['deletall', 'deleteall'],
      ['getephemerals', 'getEphemerals'],
      ['import-all', null],
      ['remove', 'removewatches'],
      ['', null],
    ] as const;
    for (const [typed, nearest] of meant) {
      const { code, stdout, stderr } = await oneShot('--json', typed, '/a');
      const hint = nearest === null ? 'help lists what there is' : `did you mean ${nearest}?`;
      assert.deepEqual(JSON.parse(stderr), { error: `there is no command ${typed}; ${hint}`, nearest });
      assert.deepEqual([code, stdout, stderr.split('\n').length], [127, '', 2]);
    }
  });

  it('tells by its exit code how one command went', async () => {
    assert.deepEqual(await oneShot('create', '/one', 'a b'), { code: 0, stdout: '', stderr: 'Created /one\n' });
    assert.deepEqual(await oneShot('get', '/one'), { code: 0, stdout: 'a b\n', stderr: '' });
    assert.deepEqual(await oneShot('get', '/none'), { code: 1, stdout: '', stderr: 'Node does not exist: /none\n' });
    assert.equal((await oneShot('nonsense')).code, 127);
    assert.equal((await oneShot('--nonsense')).code, 2);
    const dead = await headkeeper(['shell', '--quiet', '-server', '127.0.0.1:1', 'ls', '/']);
    assert.equal(dead.code, 1);
    assert.match(dead.stderr, /^KeeperErrorCode = ConnectionLoss for \/\n127\.0\.0\.1:1: connect ECONNREFUSED/);
    const waiting = ['shell', '-timeout', '100', '-waitforconnection', '-server', '127.0.0.1:1', 'version'];
    const { code, stderr } = await headkeeper(waiting);
    assert.equal(code, 1);
    assert.match(stderr, /no session within 100 ms: 127\.0\.0\.1:1: connect ECONNREFUSED/);
  });

  it("is there under the name of Apache's script", async () => {
    const child = spawn(ZK_CLI, ['-server', served.address, 'ls', '/zookeeper'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const { code, stdout } = await finished(child);
    assert.equal(code, 0);
    assert.match(stdout, /^Connecting to .*\n\nWATCHER::\n\nWatchedEvent state:SyncConnected .*\n\[config, quota\]\n$/);
  });

  it('gives results, errors and events as JSON', async () => {
    const { stdout, stderr, code } = await piped(
      'create /j {"a":1}\nget -s -w /j\nset /j x\nls /j\nget /no\n',
      '--json',
    );
    assert.equal(code, 1);
    const told = lines<Told>(stdout);
    assert.deepEqual(told[0], { created: '/j' });
    assert.deepEqual(told[1]?.data, { text: '{"a":1}', bytes: 7 });
    assert.equal(told[1]?.stat?.version, 0);
    assert.ok(told.some(({ event, path: at }) => event === 'NodeDataChanged' && at === '/j'));
    assert.deepEqual(told.at(-1), { path: '/j', children: [] });
    const error = { error: 'Node does not exist: /no', code: 'noNode', path: '/no', outcome: 'not applied' };
    assert.deepEqual(lines(stderr), [error]);
  });

  it('copies, compares and moves subtrees', async () => {
    const { stdout, stderr } = await piped(
      'create /src 1\ncreate /src/a 2 world:anyone:cdrw\ncreate /src/a/b 3\ncp /src /dst\ndiff /src /dst\n' +
        'set /dst/a 9\ncreate /dst/new x\ndiff /src /dst\ncp /src /dst\ncp -f /src /dst\nget /dst/a\nmv /dst /moved\n' +
        'ls -R /moved\ngetAcl /moved/a\nls /dst\nmv /moved /moved/in\ncp /src /no/where\n',
    );
    assert.equal(
      stdout,
      'Copied /src to /dst: 3 znodes\n~ /a\n    - "2" (1 byte)\n    + "9" (1 byte)\n+ /new "x" (1 byte)\n' +
        'Copied /src to /dst: 1 znode\n2\nMoved /dst to /moved: 4 znodes\n' +
        "/moved\n/moved/a\n/moved/new\n/moved/a/b\n'world,'anyone\n: cdrw\n",
    );
    assert.match(stderr, /Node already exists: \/dst\n/);
    assert.match(stderr, /Node does not exist: \/dst\n/);
    assert.match(stderr, /\/moved\/in is below \/moved itself\n/);
    assert.match(stderr, /Node does not exist: \/no\n$/);
    assert.equal((await oneShot('diff', '/src', '/moved')).code, 30);
    assert.equal((await oneShot('diff', '/src', '/src')).code, 0);
  });

  it('brings subtrees to folders and files, and back', async () => {
    const local = path.join(folder, 'tree');
    const file = path.join(folder, 'tree.json');
    await piped('create /t top\ncreate /t/leaf v\ncreate /t/dir d\ncreate /t/dir/%data odd\ncreate /t/dir/plain\n');
    const out = await piped(`get -R /t ${local}\nexport /t ${file}\nput -R ${local} /back\nimport ${file} /again\n`);
    assert.equal(
      out.stdout,
      `Wrote 5 znodes to ${local}\nExported 5 znodes to ${file}\nPut 5 znodes at /back\nImported ${file} at /again: 5 changes\n`,
      out.stderr,
    );
    assert.deepEqual(readdirSync(local).sort(), ['%data', 'dir', 'leaf']);
    assert.equal(readFileSync(path.join(local, 'dir', '%%data'), 'utf8'), 'odd');
    assert.equal((await oneShot('diff', '/t', '/again')).code, 0);
    const { stdout } = await oneShot('diff', '/t', '/back');
    assert.equal(stdout, '~ /dir/plain\n    - null\n    + "" (0 bytes)\n', 'a file cannot be null');
    const again = await piped(
      `get -R /t ${local}\nexport /t ${file}\nimport ${file} /again\nput ${file} /zookeeper/x\n`,
    );
    assert.match(
      again.stderr,
      /tree exists already: nothing was written\nCannot write .*EEXIST.*\nNode already exists: \/again\n/,
    );
    writeFileSync(path.join(folder, 'one'), 'from a file');
    assert.equal(
      (await piped(`put ${path.join(folder, 'one')} /a/new/one\nget /a/new/one\n`)).stdout.split('\n')[1],
      'from a file',
    );
  });

  it('watches until it has seen enough', async () => {
    const watching = piped('', 'watch', '-r', '-n', '1', '--json', '/');
    let isOver = false;
    void watching.then(() => {
      isOver = true;
    });
    const client = await served.connect();
    for (let i = 0; !isOver; i++) await client.create(`/seen-${i}`, 'v').then(() => client.sync('/'));
    await client.close();
    const { code, stdout } = await watching;
    assert.equal(code, 0);
    const [event] = lines<{ type: string; path: string; data: unknown }>(stdout);
    assert.equal(event?.type, 'created');
    assert.match(event?.path ?? '', /^\/seen-\d+$/);
    assert.deepEqual(event?.data, { text: 'v', bytes: 1 });
  });

  it('repeats lines by their numbers, and lists them', async () => {
    const { stdout, stderr, code } = await piped('ls /zookeeper\n\nredo 0\nhistory\nredo 7\nredo\n  \nget "/x\n');
    assert.equal(stdout, '[config, quota]\n[config, quota]\n0 - ls /zookeeper\n1 - ls /zookeeper\n2 - history\n');
    assert.equal(stderr, 'Command index out of range\nredo cmdno\nA quote is not closed: "/x\n');
    assert.equal(code, 1);
  });

  it('shows identities, also from a file', async () => {
    const file = path.join(folder, 'identities');
    writeFileSync(file, 'digest:filed:secret\n', { mode: 0o600 });
    const { stdout } = await piped('whoami\n', '--auth', 'digest:given:secret', '--auth-file', file);
    assert.match(stdout, /^digest: given$/m);
    assert.match(stdout, /^digest: filed$/m);
    assert.doesNotMatch(stdout, /secret/);
    const refused = await piped('addauth nonsense x\nls /\n');
    assert.match(refused.stderr, /^KeeperErrorCode = AuthFailed\n/);
    assert.equal(refused.stdout, 'Not connected\n');
    assert.equal(refused.code, 1);
  });
});

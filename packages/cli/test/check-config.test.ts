import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { type Finished, headkeeper } from './headkeeper-process.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-check-config-'));
after(() => rmSync(folder, { recursive: true }));

const file = path.join(folder, 'zoo.cfg');
const check = (words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> =>
  headkeeper(['check-config', ...words], { cwd: folder, env });

describe('headkeeper check-config', () => {
  it('prints every value and where it comes from, warns, and leaves no trace', async () => {
    writeFileSync(file, 'dataDir=/nowhere/data\nclientPort=2181\nmaxClientCnxn=3\nskipACL=no\n');
    const { code, stdout, stderr } = await check([file, '-D', 'maxCnxns=5'], { JVMFLAGS: '-Dzookeeper.snapCount=77' });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^dataDir=\/nowhere\/data +\S+zoo\.cfg:1$/m);
    assert.match(stdout, /^snapCount=77 +JVMFLAGS$/m);
    assert.match(stdout, /^maxCnxns=5 +-D$/m);
    assert.match(stdout, /^tickTime=3000 +default$/m);
    assert.match(stdout, /can be served: a standalone server, with 1 warning\.\n$/);
    assert.match(stderr, /zoo\.cfg:3: maxClientCnxn is unknown and ignored; did you mean maxClientCnxns\?/);
    assert.deepEqual(readdirSync(folder), ['zoo.cfg']);
  });

  it('prints the same as JSON, and under the name server --check-config', async () => {
    writeFileSync(file, 'dataDir=/nowhere/data\nclientPort=2181\n');
    const { code, stdout } = await check([file, '--json']);
    assert.equal(code, 0);
    const { settings, warnings } = JSON.parse(stdout) as { settings: object[]; warnings: string[] };
    assert.deepEqual(warnings, []);
    assert.deepEqual(settings[2], { key: 'clientPort', value: '2181', origin: `${file}:2` });
    const other = await headkeeper(['server', '--check-config', file], { cwd: folder });
    assert.equal(other.code, 0);
    assert.equal(other.stdout, (await check([file])).stdout);
  });

  it('names all that is wrong, and ends with 2', async () => {
    writeFileSync(file, 'clientPort=2181\ntickTime=soon\n');
    const { code, stdout, stderr } = await check([file]);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /zoo\.cfg:2: tickTime=soon: expected a whole number of milliseconds/);
    assert.match(stderr, /zoo\.cfg: dataDir is not set/);
  });

  it("takes the words of Apache's server in the place of a file", async () => {
    const { code, stdout } = await check(['2191', '/nowhere/data', '1000', '7']);
    assert.equal(code, 0);
    for (const line of ['clientPort=2191', 'dataDir=/nowhere/data', 'tickTime=1000', 'maxClientCnxns=7']) {
      assert.match(stdout, new RegExp(`^${line} +the command line$`, 'm'));
    }
    const wrong = await check(['2191', '/nowhere/data', '10 s']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /the command line: tickTime=10 s: expected/);
    const more = await check(['2191', '/nowhere/data', '1', '2', '3']);
    assert.equal(more.code, 2);
    assert.match(more.stderr, /got 5 words/);
  });
});

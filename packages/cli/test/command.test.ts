import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { HEADKEEPER, headkeeper } from './headkeeper-process.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-cli-'));
after(() => rmSync(folder, { recursive: true }));

describe('the command', () => {
  it('tells its version, which is that of its package', async () => {
    const manifest = JSON.parse(readFileSync(path.join(path.dirname(HEADKEEPER), '../package.json'), 'utf8'));
    for (const words of [['version'], ['--version'], ['-V']]) {
      assert.deepEqual(await headkeeper(words), { code: 0, stdout: `headkeeper ${manifest.version}\n`, stderr: '' });
    }
  });

  it('helps, as a whole and with every command', async () => {
    const { code, stdout } = await headkeeper(['--help']);
    assert.equal(code, 0);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+)(?= .*)/gm)].map((match) => match[1] as string);
    assert.deepEqual(commands, [
      ...['server', 'container', 'shell', 'dev', 'status', 'inspect', 'log', 'diff', 'export', 'import'],
      ...['backup', 'restore', 'repair', 'bench', 'version', 'help'],
    ]);
    for (const command of [
      ...commands.slice(0, -1).map((name) => [name]),
      ['inspect', 'log'],
      ['inspect', 'snapshot'],
    ]) {
      const help = await headkeeper([...command, '--help']);
      assert.equal(help.code, 0);
      assert.match(help.stdout, new RegExp(`^Usage: headkeeper ${command.join(' ')}`));
    }
  });

  it('refuses wrong words with code 2', async () => {
    const wrong: [string[], RegExp][] = [
      [['serve'], /unknown command 'serve'.*\(Did you mean server\?\)/s],
      [['version', '--nope'], /unknown option '--nope'/],
      [['server', 'x.cfg', '--ensemble', '3'], /x\.cfg and --ensemble do not go together/],
      [['server', '-D', 'a=b', '--ensemble', '3'], /-D and --ensemble do not go together/],
      [['inspect', 'log'], /missing required argument 'file'/],
      [['status', 'a:b:c:d'], /"a:b:c:d" is no address/],
      [['status', 'localhost:65536'], /no address/],
      [['status', '-t', '0'], /Expected a whole number above 0/],
      [['diff', '1'], /missing required argument 'time2'/],
      [['export', '/x', '--format', 'xml'], /Allowed choices are json, yaml, tar/],
      [['import', 'x.json', '/x'], /required option '--server <hosts>' not specified/],
      [['bench', '-m', 'nope'], /Allowed choices are get, set/],
      [['bench', '-w', '4096'], /from 1 to 4095/],
      [['bench', '-p', 'bench'], /Expected a path/],
    ];
    for (const [words, message] of wrong) {
      const { code, stderr, stdout } = await headkeeper(words);
      assert.equal(code, 2, words.join(' '));
      assert.match(stderr, message);
      assert.equal(stdout, '');
    }
  });

  it('shows its help and code 2 when it is given nothing to do', async () => {
    const { code, stderr } = await headkeeper([]);
    assert.equal(code, 2);
    assert.match(stderr, /^Usage: headkeeper/);
  });

  it('says what to do when it is not built', async () => {
    mkdirSync(path.join(folder, 'bin'));
    writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
    const script = path.join(folder, 'bin', 'headkeeper.js');
    copyFileSync(HEADKEEPER, script);
    const { code, stderr } = await headkeeper(['version'], { script });
    assert.equal(code, 1);
    assert.match(stderr, /not built yet.*npm ci && npm run build/);
  });
});

describe('the server command', () => {
  it('refuses a wrong configuration with code 2 and names everything wrong', async () => {
    const file = path.join(folder, 'wrong.cfg');
    writeFileSync(file, 'dataDir=/nowhere\ntickTime=zero\n');
    const { code, stderr } = await headkeeper(['server', file, '-D', 'snapCount=x'], {
      env: { JVMFLAGS: '-Xmx1g -Djute.maxbuffer=4m' },
    });
    assert.equal(code, 2);
    assert.match(stderr, /wrong\.cfg:2: tickTime=zero: expected a whole number of milliseconds/);
    assert.match(stderr, /wrong\.cfg: clientPort is not set/);
    assert.match(stderr, /-D: snapCount=x: expected/);
    assert.match(stderr, /JVMFLAGS: jute\.maxbuffer=4m: expected/);
  });

  it('refuses a file that is not there', async () => {
    const { code, stderr } = await headkeeper(['server', path.join(folder, 'missing.cfg')]);
    assert.equal(code, 2);
    assert.match(stderr, /cannot read the configuration: ENOENT/);
  });
});

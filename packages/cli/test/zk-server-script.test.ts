import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '@headkeeper/testkit';
import { type Finished, finished } from './headkeeper-process.ts';

const SCRIPT = fileURLToPath(new URL('../../../../bin/zkServer.sh', import.meta.url));
const SAMPLE = fileURLToPath(new URL('../../../../conf/zoo_sample.cfg', import.meta.url));

const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-zk-'));
after(() => rmSync(folder, { recursive: true }));

function script(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  const { ZOOCFGDIR: _dir, ZOOCFG: _cfg, ZOOPIDFILE: _pid, ZOO_LOG_DIR: _log, ...inherited } = process.env;
  const child = spawn('sh', [SCRIPT, ...words], {
    cwd: folder,
    env: { ...inherited, NODE: process.execPath, ZOO_LOG_DIR: path.join(folder, 'logs'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return finished(child);
}

function writeConfig(name: string, text: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

describe('zkServer.sh', () => {
  before(() => {
    writeConfig('conf/zoo.cfg', 'dataDir=/from/zoo\nclientPort=1\n');
    writeConfig('conf/other.cfg', 'dataDir=/from/other\nclientPort=1\n');
    writeConfig('elsewhere/third.cfg', 'dataDir=/from/third\nclientPort=1\n');
  });

  it('finds its configuration where Apache looks for it', async () => {
    const conf = path.join(folder, 'conf');
    const cases: [words: string[], env: Record<string, string>, found: string][] = [
      [['--config', conf, 'print-cmd'], {}, `${conf}/zoo.cfg`],
      [['print-cmd'], { ZOOCFGDIR: conf }, `${conf}/zoo.cfg`],
      [['print-cmd'], { ZOOCFGDIR: conf, ZOOCFG: 'other.cfg' }, `${conf}/other.cfg`],
      [['print-cmd', 'other.cfg'], { ZOOCFGDIR: conf }, `${conf}/other.cfg`],
      [['print-cmd', `${folder}/elsewhere/third.cfg`], { ZOOCFGDIR: conf }, `${folder}/elsewhere/third.cfg`],
      [['print-cmd', 'elsewhere/third.cfg'], {}, 'elsewhere/third.cfg'],
    ];
    const named = await script(['print-cmd', 'elsewhere/third.cfg'], { ZOO_LOG_FILE: 'own.log' });
    assert.match(named.stdout, new RegExp(`> "${folder}/logs/own\\.log" 2>&1`));
    for (const [words, env, found] of cases) {
      const { code, stdout, stderr } = await script(words, env);
      assert.equal(code, 0, stderr);
      assert.equal(stderr, `Using config: ${found}\n`);
      assert.match(stdout, new RegExp(`headkeeper\\.js" server "${found}" > "${folder}/logs/zookeeper-.*\\.out" 2>&1`));
    }
  });

  it('reads zookeeper-env.sh and java.env of the configuration folder', async () => {
    writeConfig('env/zoo.cfg', 'dataDir=/x\nclientPort=1\n');
    writeConfig('env/zookeeper-env.sh', 'ZOO_LOG_DIR=/from/env\n');
    writeConfig('env/java.env', 'ZK_SERVER_HEAP=512\n');
    const { stdout } = await script(['--config', path.join(folder, 'env'), 'print-cmd']);
    assert.match(stdout, / --max-old-space-size=512 .* > "\/from\/env\/zookeeper-/);
  });

  it('works through a symbolic link', async () => {
    const link = path.join(folder, 'zkServer');
    symlinkSync(SCRIPT, link);
    const child = spawn(link, ['version'], {
      env: { ...process.env, NODE: process.execPath },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { code, stdout, stderr } = await finished(child);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^headkeeper \d+\.\d+\.\d+/);
  });

  it('explains itself when asked for something else', async () => {
    const { code, stderr } = await script(['reboot']);
    assert.equal(code, 2);
    assert.match(stderr, /^Usage: .*\{start\|start-foreground\|stop\|version\|restart\|status\|print-cmd\|transfer\}/);
  });

  it('says so when there is no configuration, no server to stop and none to ask', async () => {
    const none = await script(['--config', '/nowhere', 'start']);
    assert.equal(none.code, 1);
    assert.match(none.stderr, /cannot read \/nowhere\/zoo\.cfg/);
    const port = await freePort();
    const config = writeConfig('idle.cfg', `dataDir=${folder}/idle\nclientPort=${port}\nclientPortAddress=127.0.0.1\n`);
    assert.equal(
      (await script(['stop', config])).stdout,
      `Stopping zookeeper ... no zookeeper to stop (could not find file ${folder}/idle/zookeeper_server.pid)\n`,
    );
    const asked = await script(['status', config]);
    assert.equal(asked.code, 1);
    assert.equal(
      asked.stdout,
      `Client port found: ${port}. Client address: 127.0.0.1. Client SSL: false.\n` +
        'Error contacting service. It is probably not running.\n',
    );
  });

  it("finds an ensemble's server by its own line, in the configuration or in the file of members", async () => {
    const answer = 'Zookeeper version: x\nZxid: 0x1\nMode: follower\nNode count: 5\n';
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.once('data', () => socket.end(answer)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const lines = `server.1=a:1:2:participant;9\nserver.2=b:1:2:participant;127.0.0.1:${port}\nserver.3=c:1:2;9\n`;
    writeConfig('member/myid', '2\n');
    const members = writeConfig('member.cfg.dynamic.1', lines);
    const configs = [
      writeConfig('inline.cfg', `dataDir=${folder}/member\n${lines}`),
      writeConfig('member.cfg', `dataDir=${folder}/member\ndynamicConfigFile=${members}\n`),
    ];
    try {
      for (const config of configs) {
        const { code, stdout } = await script(['status', config]);
        assert.equal(
          stdout,
          `Client port found: ${port}. Client address: 127.0.0.1. Client SSL: false.\nMode: follower\n`,
        );
        assert.equal(code, 0);
      }
    } finally {
      server.close();
    }
  });

  it('asks a server that has a port for TLS alone, by its own certificate or the one of CLIENT_JVMFLAGS', async () => {
    const port = await freePort();
    const store = (name: string): string =>
      fileURLToPath(import.meta.resolve(`@headkeeper/testkit/vectors/tls/${name}`));
    const config = writeConfig(
      'secure.cfg',
      [
        `dataDir=${folder}/secure`,
        `secureClientPort=${port}`,
        'secureClientPortAddress=127.0.0.1',
        `ssl.keyStore.location=${store('server.jks')}`,
        'ssl.keyStore.password=changeit',
        `ssl.trustStore.location=${store('trust.jks')}`,
        'ssl.trustStore.password=changeit',
      ].join('\n'),
    );
    const started = await script(['start', config]);
    assert.equal(started.code, 0, started.stderr);
    try {
      const flags = `-Dzookeeper.ssl.keyStore.location=${store('named.pem')} -Dzookeeper.ssl.trustStore.location=${store('trust.pem')}`;
      for (const env of [{}, { CLIENT_JVMFLAGS: flags }]) {
        const { code, stdout } = await script(['status', config], env);
        assert.equal(
          stdout,
          `Client port found: ${port}. Client address: 127.0.0.1. Client SSL: true.\nMode: standalone\n`,
        );
        assert.equal(code, 0);
      }
      const stranger = `-Dzookeeper.ssl.keyStore.location=${store('stranger.pem')}`;
      assert.equal((await script(['status', config], { CLIENT_JVMFLAGS: stranger })).code, 1);
    } finally {
      await script(['stop', config]);
    }
  });

  it('does not create data directories when told so', async () => {
    const config = writeConfig('missing.cfg', `dataDir=${folder}/missing\nclientPort=1\n`);
    const { code, stdout } = await script(['start', config], { ZOO_DATADIR_AUTOCREATE_DISABLE: '1' });
    assert.equal(code, 1);
    assert.match(stdout, /data directory is missing at .*missing/);
    assert.ok(!existsSync(path.join(folder, 'missing')));
  });

  it('says when the server does not start, and why', async () => {
    const config = writeConfig('wrong.cfg', `dataDir=${folder}/wrong\nclientPort=nope\n`);
    const { code, stdout, stderr } = await script(['start', config]);
    assert.equal(code, 1);
    assert.equal(stdout, 'Starting zookeeper ... FAILED TO START\n');
    assert.match(stderr, /clientPort=nope: expected/);
    assert.ok(!existsSync(path.join(folder, 'wrong', 'zookeeper_server.pid')));
  });

  it('starts, shows, restarts and stops a server made from the sample', async () => {
    const port = await freePort();
    const data = path.join(folder, 'data');
    const text = readFileSync(SAMPLE, 'utf8')
      .replace(/^dataDir=.*/m, `dataDir=${data}`)
      .replace(/^clientPort=.*/m, `clientPort=${port}\nclientPortAddress=127.0.0.1`);
    const config = writeConfig('sample.cfg', text);
    const pidFile = path.join(data, 'zookeeper_server.pid');
    try {
      const started = await script(['start', config]);
      assert.deepEqual([started.code, started.stdout], [0, 'Starting zookeeper ... STARTED\n'], started.stderr);
      const pid = readFileSync(pidFile, 'utf8');
      const again = await script(['start', config]);
      assert.deepEqual([again.code, again.stdout], [1, `Starting zookeeper ... already running as process ${pid}.\n`]);
      const shown = await script(['status', config]);
      assert.equal(
        shown.stdout,
        `Client port found: ${port}. Client address: 127.0.0.1. Client SSL: false.\nMode: standalone\n`,
      );
      const restarted = await script(['restart', config]);
      assert.equal(restarted.stdout, 'Stopping zookeeper ... STOPPED\nStarting zookeeper ... STARTED\n');
      assert.notEqual(readFileSync(pidFile, 'utf8'), pid);
      assert.equal((await script(['status', config])).code, 0);
    } finally {
      const stopped = await script(['stop', config]);
      assert.deepEqual([stopped.code, stopped.stdout], [0, 'Stopping zookeeper ... STOPPED\n']);
    }
    assert.ok(!existsSync(pidFile));
    assert.equal((await script(['status', config])).code, 1);
  });
});

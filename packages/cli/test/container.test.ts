import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { parseServerConfig, type ServerConfig } from '@headkeeper/server';
import { containerFiles } from '../src/commands/container/configuration.ts';
import { finished, headkeeper, start } from './headkeeper-process.ts';

type Environment = Readonly<Record<string, string>>;

function parsed(env: Environment, host = 'h'): ServerConfig {
  const { config, myid } = containerFiles(env, host);
  return parseServerConfig(config, { file: '/conf/zoo.cfg', readFile: () => myid });
}

describe('the environment of a container', () => {
  it('makes one server when it says nothing', () => {
    const config = parsed({});
    assert.equal(config.ensemble, null);
    assert.deepEqual(config.warnings, ['/conf/zoo.cfg:12: server.1 is the only server: running standalone']);
    assert.deepEqual(
      [config.clientPort, config.dataDir, config.dataLogDir, config.tickTimeMs, config.adminEnabled],
      [2181, '/data', '/datalog', 2000, true],
    );
    assert.ok(config.purgeIntervalMs > 0);
  });

  it("means what it means to Apache's image", () => {
    const config = parsed({
      ZOO_MY_ID: '2',
      ZOO_SERVERS: 'server.1=zoo1:2888:3888;2181 server.2=zoo2:2888:3888;2182\n server.3=zoo3:2888:3888;2181',
      ZOO_TICK_TIME: '1500',
      ZOO_INIT_LIMIT: '11',
      ZOO_SYNC_LIMIT: '6',
      ZOO_MAX_CLIENT_CNXNS: '7',
      ZOO_STANDALONE_ENABLED: 'false',
      ZOO_ADMINSERVER_ENABLED: 'false',
      ZOO_AUTOPURGE_PURGEINTERVAL: '12',
      ZOO_AUTOPURGE_SNAPRETAINCOUNT: '9',
      ZOO_4LW_COMMANDS_WHITELIST: 'ruok, stat',
      ZOO_CFG_EXTRA: 'snapCount=77 admin.serverAddress=0.0.0.0',
      ZOO_DATA_DIR: '/a',
      ZOO_DATA_LOG_DIR: '/b',
    });
    assert.equal(config.ensemble?.sid, 2);
    assert.equal(config.ensemble?.membership.members.size, 3);
    assert.deepEqual(config.warnings, []);
    assert.deepEqual(
      [config.clientPort, config.tickTimeMs, config.initLimitTicks, config.syncLimitTicks, config.maxClientCnxns],
      [2182, 1500, 11, 6, 7],
    );
    assert.deepEqual(
      [config.standaloneEnabled, config.adminEnabled, config.purgeIntervalMs, config.purgeSnapRetainCount],
      [false, false, 12 * 3_600_000, 9],
    );
    assert.deepEqual(config.fourLetterWords, ['srvr', 'ruok', 'stat']);
    assert.deepEqual([config.snapCount, config.adminServerAddress], [77, '0.0.0.0']);
    assert.deepEqual([config.dataDir, config.dataLogDir], ['/a', '/b']);
  });

  it('takes the id from the name of the host where it is told to', () => {
    assert.equal(containerFiles({ ZOO_MY_ID: 'hostname' }, 'headkeeper-2').myid, '3\n');
    assert.throws(() => containerFiles({ ZOO_MY_ID: 'hostname' }, 'headkeeper'), /number at the end .* headkeeper$/);
  });
});

describe('headkeeper container', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-container-'));
  after(() => rmSync(folder, { recursive: true }));
  const env = {
    ZOO_CONF_DIR: path.join(folder, 'conf'),
    ZOO_DATA_DIR: path.join(folder, 'data'),
    ZOO_DATA_LOG_DIR: path.join(folder, 'log'),
    ZOO_SERVERS: 'server.5=127.0.0.1:1:2;127.0.0.1:0',
    ZOO_MY_ID: '5',
    ZOO_ADMINSERVER_ENABLED: 'false',
    ZOO_CFG_EXTRA: 'preAllocSize=64',
  };
  const config = path.join(env.ZOO_CONF_DIR, 'zoo.cfg');

  it('writes its files, tells systemd if it waits, serves, and leaves the files alone at the next start', async () => {
    const told = path.join(folder, 'told');
    mkdirSync(path.join(folder, 'bin'));
    writeFileSync(path.join(folder, 'bin/systemd-notify'), `#!/bin/sh\necho "$@" >${told}\n`, { mode: 0o755 });
    for (const more of ['# kept\n', '']) {
      const notified = { NOTIFY_SOCKET: '/nowhere', PATH: `${folder}/bin:${process.env.PATH}` };
      const child = start(['container'], { env: { ...env, ...notified } });
      const end = finished(child);
      await new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()));
      child.kill('SIGTERM');
      const { code, stdout, stderr } = await end;
      assert.equal(code, 0, stderr);
      assert.match(stdout, /serves ZooKeeper clients on 127\.0\.0\.1:\d+, data in .*data\./);
      assert.match(readFileSync(config, 'utf8'), more === '' ? /# kept$/m : /preAllocSize=64\n$/);
      assert.equal(readFileSync(path.join(env.ZOO_DATA_DIR, 'myid'), 'utf8'), '5\n');
      writeFileSync(config, readFileSync(config, 'utf8') + more);
    }
    assert.match(readFileSync(told, 'utf8'), /^--ready --pid=\d+$/m);
  });

  it('says what it cannot write, and what is wrong in the environment', async () => {
    writeFileSync(path.join(folder, 'file'), '');
    const unwritable = await headkeeper(['container'], {
      env: { ...env, ZOO_CONF_DIR: path.join(folder, 'file/conf') },
    });
    assert.equal(unwritable.code, 2);
    assert.match(unwritable.stderr, /the container cannot be configured: ENOTDIR/);
    const conf = path.join(folder, 'other');
    const wrong = await headkeeper(['container'], { env: { ...env, ZOO_CONF_DIR: conf, ZOO_TICK_TIME: 'soon' } });
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /other\/zoo\.cfg:4: tickTime=soon: expected/);
  });
});

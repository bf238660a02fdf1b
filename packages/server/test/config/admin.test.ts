import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServerConfig } from '../../src/config/parse.ts';

const MINIMAL = 'dataDir=/data\nclientPort=2181\n';

function parsed(lines: string): { enabled: boolean; port: number | null; address: string } {
  const config = parseServerConfig(`${MINIMAL}${lines}`, { file: 'zoo.cfg' });
  return { enabled: config.adminEnabled, port: config.adminServerPort, address: config.adminServerAddress };
}

test('the HTTP server for operators runs only where somebody asks for it', () => {
  assert.deepEqual(parsed(''), { enabled: false, port: null, address: '127.0.0.1' });
  assert.deepEqual(parsed('admin.serverPort=8081\n'), { enabled: true, port: 8081, address: '127.0.0.1' });
  assert.deepEqual(parsed('admin.enableServer=true\n'), { enabled: true, port: null, address: '127.0.0.1' });
  assert.deepEqual(parsed('admin.serverPort=8081\nadmin.enableServer=false\n').enabled, false);
  assert.deepEqual(parsed('zookeeper.admin.serverPort=8081\n').enabled, true);
});

test('a system property of the environment turns it on as on Apache', () => {
  const config = parseServerConfig(MINIMAL, {
    file: 'zoo.cfg',
    properties: [{ name: 'zookeeper.admin.serverPort', value: '9', origin: 'JVMFLAGS', overridesFile: false }],
  });
  assert.equal(config.adminEnabled, true);
  assert.equal(config.adminServerPort, 9);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get, type RequestOptions } from 'node:https';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseServerConfig } from '../../../src/config/parse.ts';
import { startServer } from '../../../src/main.ts';
import { AdminHarness } from './admin-harness.ts';

const vector = (name: string): string => fileURLToPath(import.meta.resolve(`@headkeeper/testkit/vectors/tls/${name}`));
const STORES = [
  `ssl.quorum.keyStore.location=${vector('server.pem')}`,
  `ssl.quorum.trustStore.location=${vector('trust.pem')}`,
];
const ELSEWHERE = { 'X-Forwarded-For': '192.0.2.1' };

/** Status and body of a request over TLS. */
async function ask(
  harness: AdminHarness,
  path: string,
  options: RequestOptions = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const { port } = harness.server.adminAddress as { port: number };
  const ca = readFileSync(vector('trust.pem'));
  const request = get({ host: '127.0.0.1', port, path, ca, agent: false, ...options });
  const [response] = await once(request, 'response');
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  return { status: response.statusCode, text };
}

const certified: RequestOptions = { cert: readFileSync(vector('server.pem')), key: readFileSync(vector('server.pem')) };

describe('HTTPS for operators', { timeout: 60_000 }, () => {
  const both = new AdminHarness([...STORES, 'admin.portUnification=true']);
  const secured = new AdminHarness([...STORES, 'admin.forceHttps=true']);
  const mutual = new AdminHarness([...STORES, 'admin.forceHttps=true', 'admin.needClientAuth=true']);
  before(() => Promise.all([both.start(), secured.start(), mutual.start()]));
  after(() => Promise.all([both.end(), secured.end(), mutual.end()]));

  it('shares a port with HTTP where admin.portUnification says so', async () => {
    assert.equal((await ask(both, '/commands/ruok')).status, 200);
    assert.equal((await both.fetch('/commands/ruok')).status, 200);
    assert.equal((await ask(both, '/commands/monitor')).text.includes('insecure_admin_count'), true);
  });

  it('is the only way with admin.forceHttps', async () => {
    assert.equal((await ask(secured, '/commands/ruok')).status, 200);
    await assert.rejects(secured.fetch('/commands/ruok'));
  });

  it('outlives those who connect and say nothing, or nonsense', async () => {
    const { port } = both.server.adminAddress as { port: number };
    for (const text of ['', '\x16', '\x16\x03\x01\x00\x05hello', 'GET']) {
      const socket = connect({ host: '127.0.0.1', port });
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(text, 'latin1', () => socket.destroy());
      await once(socket, 'close');
    }
    assert.equal((await ask(both, '/livez')).status, 200);
  });

  it('wants a certificate with admin.needClientAuth, which is then who the caller is', async () => {
    await assert.rejects(ask(mutual, '/commands/ruok'));
    const plain = await ask(mutual, '/commands/snapshot?streaming=false', certified);
    assert.equal(plain.status, 401, 'what needs credentials wants them said');
    const headers = { Authorization: 'x509' };
    assert.equal((await ask(mutual, '/commands/snapshot?streaming=false', { ...certified, headers })).status, 200);
    assert.equal((await ask(mutual, '/commands/ruok', { ...certified, headers: ELSEWHERE })).status, 200);
    assert.equal((await ask(secured, '/commands/ruok', { headers: ELSEWHERE })).status, 401);
    assert.equal((await ask(secured, '/commands/snapshot', { headers })).status, 401, 'no certificate, no identity');
  });

  it('stops the start without a key', async () => {
    const harness = new AdminHarness();
    const text = `dataDir=${harness.dataDir}\nclientPort=0\nadmin.serverPort=0\nadmin.forceHttps=true\n`;
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    await assert.rejects(
      startServer(parseServerConfig(text, { file: null }), { log }),
      /ssl\.quorum\.keyStore\.location: not set/,
    );
    await harness.end();
  });
});

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { freePort } from '@headkeeper/testkit';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseServerConfig } from '../../src/config/parse.ts';
import { type RunningServer, startServer } from '../../src/main.ts';
import { type ServerLog, StartError } from '../../src/start-error.ts';
import { until } from '../peer/stream-recorder.ts';
import { store } from '../peer/tls-sides.ts';

const TLS: readonly string[] = [
  `ssl.keyStore.location=${store('server.jks').path}`,
  'ssl.keyStore.password=changeit',
  `ssl.trustStore.location=${store('people/authority.pem').path}`,
];

interface Started {
  readonly server: RunningServer;
  readonly logged: string[];
}

async function start(t: TestContext, lines: readonly string[]): Promise<Started> {
  const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-secure-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const logged: string[] = [];
  const note = (_facts: object, message: string): void => {
    logged.push(message);
  };
  const log: ServerLog = { info: note, warn: note, error: note };
  const text = [`dataDir=${folder}`, '4lw.commands.whitelist=*', ...TLS, ...lines].join('\n');
  const server = await startServer(parseServerConfig(text, { file: null }), { log });
  t.after(() => server.stop());
  return { server, logged };
}

/** What the server answers to a word by TLS; what it says before it closes, whoever it is. */
function ask(port: number, word: string, who: string | null = 'ann'): Promise<string> {
  const own = who === null ? null : readFileSync(store(`people/${who}.pem`).path);
  return new Promise((resolve) => {
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      ca: readFileSync(store('trust.pem').path),
      ...(own === null ? {} : { key: own, cert: own }),
    });
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    socket.write(word);
  });
}

test('a server may have a port for TLS alone, and counts who comes there', async (t) => {
  const { server, logged } = await start(t, ['secureClientPort=0', 'secureClientPortAddress=127.0.0.1']);
  const port = server.secureAddress?.port ?? 0;
  assert.deepEqual(server.address, server.secureAddress);
  const conf = await ask(port, 'conf');
  assert.match(conf, /^clientPort=-1$/m);
  assert.match(conf, new RegExp(`^secureClientPort=${port}$`, 'm'));
  assert.equal(await ask(port, 'ruok', 'expired'), '');
  assert.equal(await ask(port, 'ruok', null), '');
  const told = await ask(port, 'mntr');
  for (const line of [
    'unsuccessful_handshake\t2',
    'tls_handshake_exceeded\t0',
    'outstanding_tls_handshake\t0',
    'non_mtls_local_conn_count\t0',
  ]) {
    assert.match(told, new RegExp(`^zk_${line}(\\.0)?$`, 'm'), line);
  }
  assert.ok(logged.some((line) => line.endsWith('TLS with the client at 127.0.0.1: "it has shown no certificate"')));
});

test('both ports are open side by side, or none is', async (t) => {
  const { server } = await start(t, [
    'clientPort=0',
    'clientPortAddress=127.0.0.1',
    'client.portUnification=true',
    'secureClientPort=0',
    'secureClientPortAddress=127.0.0.1',
  ]);
  assert.notEqual(server.address.port, server.secureAddress?.port);
  for (const { port } of [server.address, server.secureAddress ?? server.address]) {
    assert.equal(await ask(port, 'ruok'), 'imok');
  }
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as { port: number };
  const free = await freePort();
  const lines = [`clientPort=${free}`, `secureClientPort=${port}`, 'secureClientPortAddress=127.0.0.1'];
  await assert.rejects(start(t, lines), (error) => error instanceof StartError && error.message.includes(`${port}`));
  // The other port is given back.
  const again = createServer();
  await new Promise<void>((resolve) => again.listen(free, resolve));
  again.close();
});

test('a store that cannot be used ends the start, by name', async (t) => {
  const lines = ['secureClientPort=0', `ssl.trustStore.location=/none/clients.pem`];
  await assert.rejects(
    start(t, lines),
    (error) => error instanceof ConfigError && /clients\.pem: ENOENT/.test(error.message),
  );
});

/** Serial number of the certificate that the server shows. */
function shownBy(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const own = readFileSync(store('people/ann.pem').path);
    const socket = connectTls({ port, host: '127.0.0.1', key: own, cert: own, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

test('a certificate that changes on the disk is shown to the next client, and a bad one is not', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-reload-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'server.pem');
  copyFileSync(store('server.pem').path, file);
  const { server, logged } = await start(t, [
    'secureClientPort=0',
    'secureClientPortAddress=127.0.0.1',
    'client.certReload=true',
    `ssl.keyStore.location=${file}`,
  ]);
  const port = server.secureAddress?.port ?? 0;
  const first = await shownBy(port);
  assert.equal(first, new X509Certificate(readFileSync(file)).serialNumber);

  writeFileSync(file, 'no certificate');
  const isKept = (line: string): boolean =>
    /certificates were not read again.*those read before stay in use/.test(line);
  await until(() => logged.some(isKept));
  assert.equal(await shownBy(port), first);

  copyFileSync(store('named.pem').path, file);
  await until(() => logged.includes('certificates for clients were read again'));
  assert.equal(await shownBy(port), new X509Certificate(readFileSync(file)).serialNumber);
  assert.notEqual(await shownBy(port), first);
});

/** TLS with client certificates, and SASL, where the server can. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, isZooKeeperError } from '@headkeeper/client';
import { freePort } from '@headkeeper/testkit';
import { type ApacheVersion, startApacheZooKeeper } from '#peers/apache-zookeeper';
import { startHeadkeeper } from '#peers/headkeeper';
import type { ServerProcess } from '#peers/server-process';
import type { Verdict } from './case.ts';
import type { ServerKind } from './place.ts';

export const securedTitles = ['TLS with a client certificate', 'SASL DIGEST-MD5'] as const;

const JAAS = `Server {
  org.apache.zookeeper.server.auth.DigestLoginModule required
  user_bob="secret";
};
`;

function storeFile(name: string): string {
  return fileURLToPath(import.meta.resolve(`@headkeeper/testkit/vectors/tls/${name}`));
}

/** One verdict for each title. */
export async function securedVerdicts(kind: ServerKind): Promise<readonly Verdict[]> {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-conformance-'));
  const securePort = await freePort();
  const server = await startSecured(kind, folder, securePort);
  try {
    return [await verdict(() => byTls(`127.0.0.1:${securePort}`)), await verdict(() => logIn(server.address))];
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function startSecured(kind: ServerKind, folder: string, securePort: number): Promise<ServerProcess> {
  const jaas = join(folder, 'jaas.conf');
  writeFileSync(jaas, JAAS, { mode: 0o600 });
  const login = { 'java.security.auth.login.config': jaas };
  const stores = {
    'ssl.keyStore.location': storeFile('server.p12'),
    'ssl.keyStore.password': 'changeit',
    'ssl.trustStore.location': storeFile('trust.p12'),
    'ssl.trustStore.password': 'changeit',
    'ssl.hostnameVerification': 'false',
  };
  const dataDir = join(folder, 'data');
  const ports = { secureClientPort: `${securePort}` };
  if (kind === 'headkeeper') return startHeadkeeper({ dataDir, extraConfig: { ...ports, ...login, ...stores } });
  return startApacheZooKeeper({
    dataDir,
    version: kind.slice('apache-'.length) as ApacheVersion,
    extraConfig: { ...ports, 'authProvider.1': 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider' },
    properties: {
      ...login,
      'zookeeper.serverCnxnFactory': 'org.apache.zookeeper.server.NettyServerCnxnFactory',
      ...Object.fromEntries(Object.entries(stores).map(([key, value]) => [`zookeeper.${key}`, value])),
    },
  });
}

async function byTls(secure: string): Promise<void> {
  const pem = readFileSync(storeFile('server.pem'));
  const ca = readFileSync(storeFile('trust.pem'));
  await using zk = await connect(secure, { tls: { ca, cert: pem, key: pem, serverName: 'localhost' } });
  await zk.create('/tls', 'x');
  await assert.rejects(
    connect(secure, { tls: { ca, serverName: 'localhost' }, connectTimeoutMs: 2_000 }),
    (error) => isZooKeeperError(error, 'connectionLoss'),
    'without a certificate',
  );
  await assert.rejects(
    connect(secure, { tls: { cert: pem, key: pem, serverName: 'localhost' }, connectTimeoutMs: 2_000 }),
    (error) => isZooKeeperError(error, 'connectionLoss') && /certificate/.test(error.message),
    'an authority that is not trusted',
  );
}

async function logIn(address: string): Promise<void> {
  await using zk = await connect(address, { sasl: { username: 'bob', password: 'secret' } });
  await zk.create('/sasl', 'x', { acl: [{ perms: 31, scheme: 'sasl', id: 'bob' }] });
  await using stranger = await connect(address);
  await assert.rejects(stranger.getData('/sasl'), (error) => isZooKeeperError(error, 'noAuth'));
  assert.equal((await zk.getData('/sasl')).data?.length, 1);
  await assert.rejects(connect(address, { sasl: { username: 'bob', password: 'wrong' } }), (error) =>
    isZooKeeperError(error, 'authFailed'),
  );
}

async function verdict(run: () => Promise<void>): Promise<Verdict> {
  try {
    await run();
    return 'passed';
  } catch (error) {
    return error as Error;
  }
}

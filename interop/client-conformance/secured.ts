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
  writeFileSync(join(folder, 'jaas.conf'), JAAS);
  if (kind === 'headkeeper') return ['not applicable', await onHeadkeeper(folder)];
  const securePort = await freePort();
  const server = await startApacheZooKeeper({
    dataDir: join(folder, 'data'),
    version: kind.slice('apache-'.length) as ApacheVersion,
    extraConfig: {
      secureClientPort: `${securePort}`,
      'authProvider.1': 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
    },
    properties: {
      'java.security.auth.login.config': join(folder, 'jaas.conf'),
      'zookeeper.serverCnxnFactory': 'org.apache.zookeeper.server.NettyServerCnxnFactory',
      'zookeeper.ssl.keyStore.location': storeFile('server.p12'),
      'zookeeper.ssl.keyStore.password': 'changeit',
      'zookeeper.ssl.trustStore.location': storeFile('trust.p12'),
      'zookeeper.ssl.trustStore.password': 'changeit',
      'zookeeper.ssl.hostnameVerification': 'false',
    },
  });
  const pem = readFileSync(storeFile('server.pem'));
  const ca = readFileSync(storeFile('trust.pem'));
  const secure = `127.0.0.1:${securePort}`;
  try {
    return [
      await verdict(async () => {
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
      }),
      await verdict(() => logIn(server.address)),
    ];
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Its client port knows no TLS yet. */
async function onHeadkeeper(folder: string): Promise<Verdict> {
  const server = await startHeadkeeper({
    dataDir: join(folder, 'data'),
    extraConfig: { 'java.security.auth.login.config': join(folder, 'jaas.conf') },
  });
  try {
    return await verdict(() => logIn(server.address));
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
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

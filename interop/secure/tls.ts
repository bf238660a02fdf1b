/**
 * Clients by TLS with certificates of their own, on a server that has a port for TLS alone:
 *
 *   node interop/dist/secure/tls.js [--server headkeeper|apache] [--all]
 *
 * Apache's Java client, kazoo, our own and `openssl s_client`; with `--all` the C client as well, which is built for it.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { connect, isZooKeeperError } from '@headkeeper/client';
import { freePort } from '@headkeeper/testkit';
import type { ClientOutcome } from '../clients/client-outcome.ts';
import { judged } from '../clients/client-runs.ts';
import { installApacheZooKeeper, startApacheZooKeeper } from '../peers/apache-zookeeper.ts';
import { nameFor } from '../peers/client-programs.ts';
import { run, runToEnd } from '../peers/command.ts';
import { startHeadkeeper } from '../peers/headkeeper.ts';
import { installKazoo } from '../peers/kazoo.ts';
import { installNodeClients } from '../peers/node-clients.ts';
import { installDebianPackages, installOnce, repositoryRoot } from '../peers/peer-cache.ts';
import { programOptions } from '../peers/program-options.ts';
import type { ServerProcess } from '../peers/server-process.ts';

export type TlsServer = 'headkeeper' | 'apache';

export interface TlsRun extends ClientOutcome {
  readonly title: string;
}

/** What Apache makes of the certificate of ann. */
const ANN = String.raw`CN=Ann \"A\" Lee,OU=Staff+OU=People,O=Example\, Inc.,C=DE`;
const ROOT = 'CN=root,O=Example';
const trust = store('trust.pem');
const [ann, root, expired] = ['ann', 'root', 'expired'].map((name) => store(`people/${name}.pem`)) as [
  string,
  string,
  string,
];

function store(name: string): string {
  return fileURLToPath(import.meta.resolve(`@headkeeper/testkit/vectors/tls/${name}`));
}

/** Starts the server, lets every client try it, and stops it. @param tell hears of each client */
export async function tlsClients(
  server: TlsServer,
  all: boolean,
  tell: (line: string) => void,
): Promise<readonly TlsRun[]> {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-tls-'));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const started = await (server === 'headkeeper' ? startOurs : startApaches)(folder, port);
  try {
    const runs: TlsRun[] = [];
    for (const client of clientsOf(all)) {
      const outcome = await client.run(address);
      const title = `${client.name} by TLS against ${started.name}`;
      tell(`${title}: ${outcome.passed} passed, ${outcome.failed} failed`);
      runs.push({ title, ...outcome });
    }
    return runs;
  } finally {
    await started.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each with its key in the kind of store that is its own. */
function settings(port: number, keyStore: string): Readonly<Record<string, string>> {
  return {
    secureClientPort: String(port),
    secureClientPortAddress: '127.0.0.1',
    'ssl.enabledProtocols': 'TLSv1.3,TLSv1.2',
    'ssl.keyStore.location': store(keyStore),
    'ssl.keyStore.password': 'changeit',
    'ssl.trustStore.location': store('people/authority.pem'),
    'X509AuthenticationProvider.superUser': ROOT,
  };
}

function startOurs(folder: string, port: number): Promise<ServerProcess> {
  return startHeadkeeper({ dataDir: join(folder, 'data'), extraConfig: settings(port, 'server.jks') });
}

function startApaches(folder: string, port: number): Promise<ServerProcess> {
  return startApacheZooKeeper({
    dataDir: join(folder, 'data'),
    extraConfig: {
      ...settings(port, 'server.p12'),
      serverCnxnFactory: 'org.apache.zookeeper.server.NettyServerCnxnFactory',
    },
    properties: { 'zookeeper.X509AuthenticationProvider.superUser': ROOT },
  });
}

interface TlsClient {
  readonly name: string;
  run(address: string): Promise<ClientOutcome>;
}

function clientsOf(all: boolean): TlsClient[] {
  const program = (name: string): string => join(repositoryRoot, 'interop/secure', name);
  const words = [ANN, trust, ann, root, expired];
  const clients: TlsClient[] = [
    {
      name: 'Java client 3.9.5',
      run: async (address) => {
        const classpath = await installApacheZooKeeper('3.9.5');
        const quiet = '-Dzookeeper.log.threshold=OFF';
        return judged(['java', quiet, '-cp', classpath, program('TlsClients.java'), address, ...words]);
      },
    },
    {
      name: 'kazoo',
      run: async (address) => {
        const { python, source } = await installKazoo();
        return judged([python, '-B', program('tls_clients.py'), address, ...words], { PYTHONPATH: source });
      },
    },
    { name: 'our client', run: (address) => counted(() => ourClient(address)) },
    { name: 'openssl s_client', run: (address) => counted(() => openssl(address)) },
  ];
  if (!all) return clients;
  clients.push({
    name: 'C client',
    run: async (address) => judged([await buildTlsCClient(program('tls_client.c')), address, ...words]),
  });
  return clients;
}

/** Debian's C client knows no TLS: it is built from the sources that come with the native client for Node. */
async function buildTlsCClient(source: string): Promise<string> {
  if (!existsSync('/usr/include/openssl/ssl.h')) await installDebianPackages(['libssl-dev']);
  const sources = join(await installNodeClients(), 'node_modules/zookeeper/deps/zookeeper-client-c');
  const folder = await installOnce(nameFor('tls-c-client', [source]), async (fresh) => {
    const names = ['addrvec', 'mt_adaptor', 'recordio', 'zk_hashtable', 'zk_log', 'zookeeper'];
    const parts = [...names, 'hashtable/hashtable', 'hashtable/hashtable_itr'].map((name) =>
      join(sources, `src/${name}.c`),
    );
    const includes = ['', 'include', 'generated', 'src', 'src/hashtable'].map((name) => `-I${join(sources, name)}`);
    const defines = ['-DTHREADED', '-DHAVE_CONFIG_H', '-DHAVE_OPENSSL_H=1'];
    const jute = join(sources, 'generated/zookeeper.jute.c');
    const out = ['-o', join(fresh, 'tls_client')];
    const libraries = ['-lssl', '-lcrypto', '-lpthread', '-lm'];
    await run(['gcc', '-O1', '-w', ...defines, ...includes, ...out, source, ...parts, jute, ...libraries]);
  });
  return join(folder, 'tls_client');
}

function certificates(own: string | null): { ca: Uint8Array; cert?: Uint8Array; key?: Uint8Array } {
  const ca = readFileSync(trust);
  return own === null ? { ca } : { ca, cert: readFileSync(own), key: readFileSync(own) };
}

async function ourClient(address: string): Promise<void> {
  await using zk = await connect(address, { tls: certificates(ann) });
  assert.ok((await zk.whoAmI()).some(({ scheme, user }) => scheme === 'x509' && user === ANN));
  await zk.create('/tls-ours', Buffer.alloc(100_000), { acl: [{ perms: 31, scheme: 'auth', id: '' }] });
  assert.deepEqual((await zk.getACL('/tls-ours')).acl, [{ perms: 31, scheme: 'x509', id: ANN }]);
  await using superuser = await connect(address, { tls: certificates(root) });
  assert.equal((await superuser.getData('/tls-ours')).data?.length, 100_000);
  await superuser.delete('/tls-ours');
  for (const own of [null, expired]) {
    await assert.rejects(
      connect(address, { tls: certificates(own), connectTimeoutMs: 2000 }),
      (error) => isZooKeeperError(error),
      String(own),
    );
  }
}

/** Words by TLS, of both versions; nothing without a certificate that is good. */
async function openssl(address: string): Promise<void> {
  const ask = async (...words: string[]): Promise<string> => {
    const command = ['openssl', 's_client', '-connect', address, '-CAfile', trust, '-quiet', '-verify_return_error'];
    const line = [...command, ...words].map((word) => `'${word}'`).join(' ');
    const { output } = await runToEnd(['sh', '-c', `printf ruok | timeout 5 ${line} 2>/dev/null`], {
      timeoutMs: 10_000,
    });
    return output.trim();
  };
  const own = (file: string): string[] => ['-cert', file, '-key', file];
  for (const version of ['-tls1_2', '-tls1_3']) {
    assert.equal(await ask(...own(ann), version, '-ign_eof'), 'imok', version);
    for (const refused of [[], own(expired), own(store('stranger.pem'))]) {
      assert.equal(await ask(...refused, version, '-ign_eof'), '', `${version} ${refused.join(' ')}`);
    }
  }
}

async function counted(body: () => Promise<void>): Promise<ClientOutcome> {
  try {
    await body();
    return { passed: 1, failed: 0, output: '' };
  } catch (error) {
    return { passed: 0, failed: 1, output: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const values = programOptions(import.meta.filename, {
    server: { type: 'string', default: 'headkeeper' },
    all: { type: 'boolean', default: false },
  });
  const server = values.server === 'apache' ? 'apache' : 'headkeeper';
  const runs = await tlsClients(server, values.all, (line) => console.log(line));
  for (const { failed, output } of runs) if (failed > 0) console.log(output);
  const sum = (of: (one: TlsRun) => number): number => runs.reduce((total, one) => total + of(one), 0);
  console.log(`${sum((one) => one.passed)} passed, ${sum((one) => one.failed)} failed`);
  process.exitCode = runs.every(({ failed }) => failed === 0) ? 0 : 1;
}

/**
 * Clients that log in by SASL (DIGEST-MD5), against a server that lets in others too, and one that does not:
 *
 *   node interop/dist/secure/sasl.js [--server headkeeper|apache] [--all]
 *
 * Java, Curator, kazoo and our own client; with `--all` the C client through Cyrus SASL as well, which is built for it.
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { connect, isZooKeeperError } from '@headkeeper/client';
import type { ClientOutcome } from '../clients/client-outcome.ts';
import { judged } from '../clients/client-runs.ts';
import { startApacheZooKeeper } from '../peers/apache-zookeeper.ts';
import { installCurator } from '../peers/curator.ts';
import { startHeadkeeper } from '../peers/headkeeper.ts';
import { installKazoo } from '../peers/kazoo.ts';
import { repositoryRoot } from '../peers/peer-cache.ts';
import { programOptions } from '../peers/program-options.ts';
import type { ServerProcess } from '../peers/server-process.ts';
import { buildSaslCClient } from './sasl-c-client.ts';

export type SecuredServer = 'headkeeper' | 'apache';

export interface SaslRun extends ClientOutcome {
  readonly title: string;
}

const USERS: readonly (readonly [user: string, password: string])[] = [
  ['ann', 'secret'],
  ['root', 'power: #1'],
  ['jürgen', 'pässword'],
];
const NEW_USER = ['late', 'comer'] as const;
const PROVIDER = 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider';
const LOGIN_MODULE = 'org.apache.zookeeper.server.auth.DigestLoginModule';

/** Starts both servers, lets every client try them, and stops them. @param tell hears of each client */
export async function saslClients(
  server: SecuredServer,
  all: boolean,
  tell: (line: string) => void,
): Promise<readonly SaslRun[]> {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-sasl-'));
  const servers: ServerProcess[] = [];
  const runs: SaslRun[] = [];
  try {
    const files = writeFiles(folder);
    const start = server === 'headkeeper' ? startOurs : startApaches;
    for (const enforced of [false, true]) servers.push(await start(folder, files, enforced));
    const [open = '', enforcing = ''] = servers.map(({ address }) => address);
    for (const client of clientsOf(folder, files, all)) {
      const title = `${client.name} by SASL against ${servers[0]?.name}`;
      const outcome = await client.run(open, enforcing);
      tell(`${title}: ${outcome.passed} passed, ${outcome.failed} failed`);
      runs.push({ title, ...outcome });
    }
    if (server === 'headkeeper') runs.push(await asJudge('a changed file of users', () => changedUsers(files, open)));
    runs.push(await asJudge('no password in any log', async () => noSecretIn(folder)));
    return runs;
  } finally {
    for (const one of servers) await one.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Files {
  readonly users: string;
  readonly serverJaas: string;
  readonly clientJaas: string;
}

function writeFiles(folder: string): Files {
  const files = {
    users: join(folder, 'users'),
    serverJaas: join(folder, 'server.jaas'),
    clientJaas: join(folder, 'client.jaas'),
  };
  writeUsers(files, USERS);
  const listed = USERS.map(([user, password]) => `  user_${user}="${password}"`).join('\n');
  writeFileSync(files.serverJaas, `Server {\n  ${LOGIN_MODULE} required\n${listed};\n};\n`, { mode: 0o600 });
  const sections = {
    Ann: USERS[0],
    Root: USERS[1],
    Juergen: USERS[2],
    Wrong: ['ann', 'wrong'],
    Unknown: ['eve', 'secret'],
  } as const;
  const client = Object.entries(sections).map(
    ([name, user]) =>
      `${name} {\n  ${LOGIN_MODULE} required\n  username="${user?.[0]}"\n  password="${user?.[1]}";\n};\n`,
  );
  writeFileSync(files.clientJaas, client.join(''));
  return files;
}

function writeUsers(files: Files, users: readonly (readonly [string, string])[]): void {
  const lines = users.map(([user, password]) => `${user}:${password}\n`);
  writeFileSync(files.users, `# who may log in\n\n${lines.join('')}`, { mode: 0o600 });
}

/** The one that serves all has its users from a file of ours, the other one from a JAAS file. */
function startOurs(folder: string, files: Files, enforced: boolean): Promise<ServerProcess> {
  const users = enforced
    ? { 'java.security.auth.login.config': files.serverJaas, sessionRequireClientSASLAuth: 'true' }
    : { 'sasl.usersFile': files.users, 'superUser.1': 'root' };
  return startHeadkeeper({ dataDir: join(folder, enforced ? 'enforcing' : 'open'), extraConfig: users });
}

function startApaches(folder: string, files: Files, enforced: boolean): Promise<ServerProcess> {
  return startApacheZooKeeper({
    dataDir: join(folder, enforced ? 'enforcing' : 'open'),
    extraConfig: {
      'authProvider.1': PROVIDER,
      'superUser.1': 'root',
      ...(enforced ? { sessionRequireClientSASLAuth: 'true' } : {}),
    },
    properties: { 'java.security.auth.login.config': files.serverJaas, 'file.encoding': 'UTF-8' },
  });
}

interface SaslClient {
  readonly name: string;
  run(open: string, enforcing: string): Promise<ClientOutcome>;
}

function clientsOf(folder: string, files: Files, all: boolean): SaslClient[] {
  const program = (name: string): string => join(repositoryRoot, 'interop/secure', name);
  const clients: SaslClient[] = [
    {
      name: 'Java and Curator',
      run: async (...addresses) => {
        const settings = [`-Djava.security.auth.login.config=${files.clientJaas}`, '-Dfile.encoding=UTF-8'];
        const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off';
        const classpath = await installCurator();
        return judged(['java', ...settings, quiet, '-cp', classpath, program('SaslClients.java'), ...addresses]);
      },
    },
    {
      name: 'kazoo',
      run: async (...addresses) => {
        const { python, source } = await installKazoo();
        return judged([python, '-B', program('sasl_clients.py'), ...addresses], { PYTHONPATH: source });
      },
    },
    { name: 'our client', run: (open, enforcing) => asJudge('our client', () => ourClient(open, enforcing)) },
  ];
  if (!all) return clients;
  clients.push({
    name: 'C client',
    run: async (...addresses) => {
      const passwords = join(folder, 'passwords');
      mkdirSync(passwords);
      writeFileSync(join(passwords, 'good'), 'secret');
      writeFileSync(join(passwords, 'bad'), 'wrong');
      return judged([await buildSaslCClient('sasl_client'), ...addresses, passwords]);
    },
  });
  return clients;
}

async function ourClient(open: string, enforcing: string): Promise<void> {
  for (const [username, password] of USERS) {
    await using zk = await connect(open, { sasl: { username, password } });
    assert.ok(
      (await zk.whoAmI()).some(({ scheme, user }) => scheme === 'sasl' && user === username),
      username,
    );
  }
  await using ann = await connect(open, { sasl: { username: 'ann', password: 'secret' } });
  await ann.create('/ours', 'x', { acl: [{ perms: 31, scheme: 'sasl', id: 'ann' }] });
  await using stranger = await connect(open);
  await assert.rejects(stranger.getData('/ours'), (error) => isZooKeeperError(error, 'noAuth'));
  await using root = await connect(open, { sasl: { username: 'root', password: 'power: #1' } });
  assert.equal((await root.getData('/ours')).data?.length, 1);
  await ann.delete('/ours');
  for (const address of [open, enforcing]) {
    for (const sasl of [
      { username: 'ann', password: 'wrong' },
      { username: 'eve', password: 'secret' },
    ]) {
      await assert.rejects(connect(address, { sasl }), (error) => isZooKeeperError(error, 'authFailed'), sasl.username);
    }
  }
  await using served = await connect(enforcing, { sasl: { username: 'ann', password: 'secret' } });
  await served.exists('/');
  await using nobody = await connect(enforcing);
  await assert.rejects(nobody.exists('/'), (error) => isZooKeeperError(error));
}

/** A user that is added to the file can log in, and one that is taken out cannot, without a restart. */
async function changedUsers(files: Files, open: string): Promise<void> {
  const [username, password] = NEW_USER;
  const sasl = { username, password };
  await assert.rejects(connect(open, { sasl }));
  writeUsers(files, [...USERS.slice(1), NEW_USER]);
  const until = performance.now() + 10_000;
  for (;;) {
    try {
      await using zk = await connect(open, { sasl });
      await zk.exists('/');
      break;
    } catch (error) {
      if (performance.now() > until) throw error;
      await delay(200);
    }
  }
  await assert.rejects(connect(open, { sasl: { username: 'ann', password: 'secret' } }), (error) =>
    isZooKeeperError(error, 'authFailed'),
  );
}

/** None of the passwords, right or wrong, and nothing computed from them. */
function noSecretIn(folder: string): void {
  for (const name of ['open', 'enforcing']) {
    const log = readFileSync(join(folder, `${name}.log`), 'utf8');
    for (const secret of ['power: #1', 'pässword', 'response=', 'rspauth=']) assert.ok(!log.includes(secret), secret);
  }
}

async function asJudge(title: string, body: () => Promise<void>): Promise<SaslRun> {
  try {
    await body();
    return { title, passed: 1, failed: 0, output: '' };
  } catch (error) {
    return { title, passed: 0, failed: 1, output: (error as Error).stack ?? String(error) };
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const values = programOptions(import.meta.filename, {
    server: { type: 'string', default: 'headkeeper' },
    all: { type: 'boolean', default: false },
  });
  const runs = await saslClients(values.server === 'apache' ? 'apache' : 'headkeeper', values.all, console.log);
  for (const { title, failed, output } of runs) if (failed > 0) console.log(`${title}\n${output}`);
  process.exitCode = runs.every(({ failed }) => failed === 0) ? 0 : 1;
}

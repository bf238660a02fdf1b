/**
 * Servers that authenticate to each other, of both projects in one ensemble, and TLS switched on server by server under load:
 *
 *   node interop/dist/ensemble/secured.js [--kinds 3.9.5,headkeeper,headkeeper]
 *
 * DIGEST-MD5 from the beginning; then rolling restarts from plain connections over unified ports to TLS alone. No acknowledged
 * write, no session and no ephemeral may be lost.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programOptions } from '../peers/program-options.ts';
import { Ensemble } from './ensemble.ts';
import { EnsembleLoad, PACE_MS } from './ensemble-load.ts';
import { killLeader } from './joins.ts';
import { kindsOf } from './kinds.ts';
import type { MemberKind } from './member.ts';
import { type ScenarioOutcome, Steps } from './steps.ts';
import { compareTrees } from './tree.ts';

export interface SecuredOptions {
  /** Kind of server 1, of server 2, and so on. */
  readonly kinds: readonly MemberKind[];
}

type Settings = Readonly<Record<string, string>>;

const JAAS = `QuorumServer {
  org.apache.zookeeper.server.auth.DigestLoginModule required
  user_headkeeper="secret";
};
QuorumLearner {
  org.apache.zookeeper.server.auth.DigestLoginModule required
  username="headkeeper"
  password="secret";
};
`;

const SASL: Settings = {
  'quorum.auth.enableSasl': 'true',
  'quorum.auth.learnerRequireSasl': 'true',
  'quorum.auth.serverRequireSasl': 'true',
};

const STORES: Settings = {
  'ssl.quorum.keyStore.location': storeFile('server.p12'),
  'ssl.quorum.keyStore.password': 'changeit',
  'ssl.quorum.trustStore.location': storeFile('trust.p12'),
  'ssl.quorum.trustStore.password': 'changeit',
};

/** The way to TLS that Apache's manual names. */
const STAGES: readonly (readonly [name: string, settings: Settings])[] = [
  ['unified ports', { ...STORES, portUnification: 'true' }],
  ['TLS on unified ports', { ...STORES, portUnification: 'true', sslQuorum: 'true' }],
  ['TLS alone', { ...STORES, sslQuorum: 'true' }],
];

/** FOLLOWERINFO of a server 9 with epoch 0. */
const FOLLOWER_INFO = Buffer.from(
  '0000000b000000000000000000000014000000000000000900010000' + '0000000000000000ffffffff',
  'hex',
);

/** Long enough for a server to close a connection that it does not want. */
const REFUSAL_MS = 10_000;

export async function secured({ kinds }: SecuredOptions, told: (line: string) => void): Promise<ScenarioOutcome> {
  const steps = new Steps(`authenticated servers, TLS server by server (${kinds.join(', ')})`, told);
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-secured-'));
  const jaas = join(folder, 'jaas.conf');
  writeFileSync(jaas, JAAS);
  const always: Settings = { 'java.security.auth.login.config': jaas };
  const ensemble = await Ensemble.create({
    kinds,
    settings: { ...always, ...SASL },
    // In FIPS mode, its default, Apache 3.9.4 and later refuses DIGEST-MD5.
    properties: { ...always, 'zookeeper.fips-mode': 'false' },
  });
  const load = new EnsembleLoad(ensemble, { paceMs: PACE_MS, writers: 1, keepers: 2 });
  await steps.step('elects and serves, authenticated', async () => {
    await ensemble.startAll();
    await load.start();
    await load.waitForWrites(50);
  });
  await steps.step('a stranger is not let in', () => strangerIsRefused(ensemble));
  const plain = new Map(ensemble.members.map((member) => [member, member.settings]));
  for (const [name, settings] of STAGES) {
    await steps.step(name, async () => {
      for (const member of ensemble.members) {
        member.settings = { ...plain.get(member), ...settings };
        await member.stop();
        await member.start();
        await ensemble.waitUntilWhole();
        await load.waitForWrites(20);
      }
    });
  }
  await steps.step('leader killed', async () => {
    steps.note(`next write after ${(await killLeader(ensemble, load)).toFixed(0)} ms`);
  });
  await steps.step('nothing lost', async () => {
    await load.waitForWrites(50);
    return load.finish();
  });
  await steps.step('equal trees', () => compareTrees(ensemble));
  await steps.step('sessions end everywhere', () => load.leave());
  if (steps.failed) {
    load.abandon();
    told(`   the servers' folders are kept: ${ensemble.folder}`);
  }
  await ensemble.end(!steps.failed);
  rmSync(folder, { recursive: true });
  return steps.outcome();
}

/** Says the first packet of a learner to every quorum port that is open, and is to get no answer but the end. */
async function strangerIsRefused(ensemble: Ensemble): Promise<string[]> {
  const faults: string[] = [];
  for (const member of ensemble.members) {
    const answer = await new Promise<Buffer | 'open'>((resolve) => {
      const chunks: Buffer[] = [];
      const socket = connect(member.quorumPort, '127.0.0.1', () => socket.write(FOLLOWER_INFO));
      const timer = setTimeout(() => {
        resolve('open');
        socket.destroy();
      }, REFUSAL_MS);
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('error', () => {});
      socket.on('close', () => {
        clearTimeout(timer);
        resolve(Buffer.concat(chunks));
      });
    });
    if (answer === 'open') faults.push(`${member.name} keeps a connection that did not authenticate`);
    else if (answer.length > 0) faults.push(`${member.name} answers a stranger`);
  }
  return faults;
}

function storeFile(name: string): string {
  return fileURLToPath(import.meta.resolve(`@headkeeper/testkit/vectors/tls/${name}`));
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    kinds: { type: 'string', default: '3.9.5,headkeeper,headkeeper' },
  });
  const { faults } = await secured({ kinds: kindsOf(values.kinds) }, console.log);
  console.log(faults.length === 0 ? 'ok' : 'failed');
  process.exit(faults.length === 0 ? 0 : 1);
}

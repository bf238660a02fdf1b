/**
 * Who a client is, in an ensemble of both projects:
 *
 *   node interop/dist/ensemble/identities.js [--kinds 3.9.5,headkeeper,headkeeper]
 *
 * A client logs in by SASL at each server in turn, under each leader in turn, and owns what it makes there; the identity
 * travels with its writes to the leader, whoever that is. Others are refused everywhere.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, isZooKeeperError } from '@headkeeper/client';
import { programOptions } from '../peers/program-options.ts';
import { Ensemble } from './ensemble.ts';
import { kindsOf } from './kinds.ts';
import type { MemberKind } from './member.ts';
import { type ScenarioOutcome, Steps } from './steps.ts';
import { compareTrees } from './tree.ts';

const JAAS = `Server {
  org.apache.zookeeper.server.auth.DigestLoginModule required
  user_ann="secret"
  user_root="power";
};
`;
const ANN = { username: 'ann', password: 'secret' };
const ROOT = { username: 'root', password: 'power' };

/** @param leaders which servers lead, one after the other. */
export async function identities(
  kinds: readonly MemberKind[],
  leaders: readonly number[],
  told: (line: string) => void,
): Promise<ScenarioOutcome> {
  const steps = new Steps(`SASL identities in an ensemble (${kinds.join(', ')})`, told);
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-identities-'));
  const jaas = { 'java.security.auth.login.config': join(folder, 'jaas.conf') };
  writeFileSync(join(folder, 'jaas.conf'), JAAS, { mode: 0o600 });
  const ensemble = await Ensemble.create({
    kinds,
    settings: {
      ...jaas,
      'authProvider.1': 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
      'superUser.1': 'root',
      enableEagerACLCheck: 'true',
    },
    properties: { ...jaas, 'zookeeper.superUser.1': 'root', 'zookeeper.enableEagerACLCheck': 'true' },
  });
  await steps.step('serves', () => ensemble.startAll(leaders[0]));
  for (const leader of leaders) {
    await steps.step(`led by server ${leader}`, () => ensemble.makeLeader(leader));
    for (const { sid, name, clientPort } of ensemble.members) {
      await steps.step(`${name} under server ${leader}`, () =>
        ownsWhatItMakes(`127.0.0.1:${clientPort}`, `/of-${leader}-at-${sid}`),
      );
    }
  }
  await steps.step('equal trees', () => compareTrees(ensemble));
  await ensemble.end(!steps.failed);
  rmSync(folder, { recursive: true });
  return steps.outcome();
}

async function ownsWhatItMakes(address: string, path: string): Promise<void> {
  const entry = [{ perms: 31, scheme: 'sasl', id: 'ann' }];
  await using ann = await connect(address, { sasl: ANN });
  await using stranger = await connect(address);
  await using root = await connect(address, { sasl: ROOT });
  await ann.create(path, 'hers', { acl: [{ perms: 31, scheme: 'auth', id: '' }] });
  await ann.create(`${path}-too`, 'hers', { acl: entry });
  for (const own of [path, `${path}-too`]) {
    assert.deepEqual(
      (await ann.getACL(own)).acl.map(({ scheme, id }) => `${scheme}:${id}`),
      ['sasl:ann'],
    );
    await ann.setData(own, 'changed');
    for (const refused of [
      stranger.setData(own, 'x'),
      stranger.create(`${own}/child`, 'x'),
      stranger.setACL(own, [{ perms: 31, scheme: 'world', id: 'anyone' }]),
    ]) {
      await assert.rejects(refused, (error) => isZooKeeperError(error, 'noAuth'));
    }
    await root.setData(own, 'by root');
  }
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    kinds: { type: 'string', default: '3.9.5,headkeeper,headkeeper' },
  });
  const { faults } = await identities(kindsOf(values.kinds), [1, 2], console.log);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

/**
 * Dynamic reconfiguration of a running ensemble, asked for by Apache's command line:
 *
 *   node interop/dist/ensemble/reconfiguration.js [--kinds headkeeper,headkeeper,headkeeper] [--joiner headkeeper]
 *
 * A server joins, becomes an observer and a voter again, the leader is removed and comes back, all under load.
 */

import { installApacheZooKeeper } from '../peers/apache-zookeeper.ts';
import { runToEnd } from '../peers/command.ts';
import { programOptions } from '../peers/program-options.ts';
import { Ensemble } from './ensemble.ts';
import { EnsembleLoad, PACE_MS } from './ensemble-load.ts';
import { kindsOf } from './kinds.ts';
import type { Member, MemberKind } from './member.ts';
import { type ScenarioOutcome, Steps } from './steps.ts';
import { compareTrees } from './tree.ts';
import { until } from './waiting.ts';

export interface ReconfigurationOptions {
  readonly kinds: readonly MemberKind[];
  readonly joiner: MemberKind;
}

/** `super:test`: only such a client may change the configuration. */
const SETTINGS: Readonly<Record<string, string>> = {
  reconfigEnabled: 'true',
  'DigestAuthenticationProvider.superDigest': 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=',
};

const PATIENCE_MS = 30_000;

export async function reconfiguration(
  options: ReconfigurationOptions,
  told: (line: string) => void,
): Promise<ScenarioOutcome> {
  const { kinds, joiner } = options;
  const steps = new Steps(`reconfig of ${kinds.join(', ')}`, told);
  const ensemble = await Ensemble.create({ kinds, settings: SETTINGS });
  const load = new EnsembleLoad(ensemble, { paceMs: PACE_MS, writers: 1, keepers: 1 });
  const line = (member: Member, role: string) =>
    `server.${member.sid}=127.0.0.1:${member.quorumPort}:${member.electionPort}:${role};127.0.0.1:${member.clientPort}`;
  await steps.step('serves', async () => {
    await ensemble.startAll();
    await load.start();
    await load.waitForWrites(50);
  });
  await steps.step('config shows three servers', async () => {
    const shown = await configOf(ensemble.member(1));
    return ensemble.sids
      .filter((sid) => !shown.includes(`server.${sid}=`))
      .map((sid) => `no server ${sid} in ${shown}`);
  });
  await steps.step('reconfig is refused without the right to write', async () => {
    const output = await zkCli(ensemble.member(1), ['reconfig -remove 3']);
    return output.includes('Insufficient permission') ? [] : [output];
  });
  const joining = await ensemble.join(4, joiner, false);
  const waitForMode = (member: Member, modes: readonly (string | null)[]) =>
    until(`${member.name}: ${modes.join(' or ')}`, PATIENCE_MS, async () => modes.includes(await member.mode()));
  await steps.step('a server joins', async () => {
    await joining.start();
    await waitForMode(joining, ['follower', 'observer']);
    const output = await reconfig(ensemble.member(1), `-add ${line(joining, 'participant')}`);
    if (!output.includes(line(joining, 'participant'))) return [output];
    await waitForMode(joining, ['follower', 'leader']);
    await load.waitForWrites(50);
    return [];
  });
  await steps.step('a voter becomes an observer', async () => {
    const output = await reconfig(ensemble.member(1), `-add ${line(joining, 'observer')}`);
    if (!output.includes(line(joining, 'observer'))) return [output];
    await waitForMode(joining, ['observer']);
    await load.waitForWrites(50);
    return [];
  });
  await steps.step('an observer becomes a voter', async () => {
    const output = await reconfig(ensemble.member(1), `-add ${line(joining, 'participant')}`);
    if (!output.includes(line(joining, 'participant'))) return [output];
    await waitForMode(joining, ['follower', 'leader']);
    await load.waitForWrites(50);
    return [];
  });
  let leader: Member = joining;
  await steps.step('the leader is removed', async () => {
    leader = await ensemble.waitUntilWhole();
    const asked = ensemble.members.find((member) => member !== leader) as Member;
    const output = await reconfig(asked, `-remove ${leader.sid}`);
    if (output.includes(`server.${leader.sid}=127`)) return [output];
    await until('another leader', PATIENCE_MS, async () => {
      const modes = [...(await ensemble.modes())].filter(([, mode]) => mode === 'leader').map(([sid]) => sid);
      return modes.length === 1 && modes[0] !== leader.sid;
    });
    await load.waitForWrites(50);
    return [];
  });
  await steps.step('the removed server comes back', async () => {
    const asked = ensemble.members.find((member) => member !== leader) as Member;
    const output = await reconfig(asked, `-add ${line(leader, 'participant')}`);
    if (!output.includes(line(leader, 'participant'))) return [output];
    await ensemble.waitUntilWhole();
    await load.waitForWrites(50);
    return [];
  });
  await steps.step('all members are named anew', async () => {
    const lines = ensemble.members.map((member) => line(member, 'participant'));
    const output = await reconfig(leader, `-members ${lines.join(',')}`);
    await ensemble.waitUntilWhole();
    await load.waitForWrites(50);
    return lines.filter((each) => !output.includes(each)).map((each) => `no ${each} in ${output}`);
  });
  await steps.step('every server restarts with the configuration that it has stored', async () => {
    for (const member of ensemble.members) {
      await member.stop();
      await member.start(true);
      await ensemble.waitUntilWhole();
    }
    await load.waitForWrites(50);
  });
  await steps.step('nothing lost', () => load.finish());
  await steps.step('equal trees', () => compareTrees(ensemble));
  load.abandon();
  if (steps.failed) told(`   the servers' folders are kept: ${ensemble.folder}`);
  await ensemble.end(!steps.failed);
  return steps.outcome();
}

/** Runs a reconfig as the super user; returns what the command line printed. */
function reconfig(member: Member, words: string): Promise<string> {
  return zkCli(member, ['addauth digest super:test', `reconfig ${words}`]);
}

function configOf(member: Member): Promise<string> {
  return zkCli(member, ['config']);
}

/** Apache's command line (zkCli.sh starts the same class) with these commands. */
async function zkCli(member: Member, commands: readonly string[]): Promise<string> {
  const classpath = await installApacheZooKeeper('3.9.5');
  const shell = ['-cp', classpath, 'org.apache.zookeeper.ZooKeeperMain', '-server', `127.0.0.1:${member.clientPort}`];
  const { output } = await runToEnd(['java', '-Dzookeeper.log.threshold=OFF', ...shell], {
    input: `${[...commands, 'quit'].join('\n')}\n`,
    timeoutMs: PATIENCE_MS,
  });
  return output;
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    kinds: { type: 'string', default: 'headkeeper,headkeeper,headkeeper' },
    joiner: { type: 'string', default: 'headkeeper' },
  });
  const [joiner] = kindsOf(values.joiner);
  const { faults } = await reconfiguration({ kinds: kindsOf(values.kinds), joiner: joiner as MemberKind }, console.log);
  console.log(faults.length === 0 ? 'ok' : `${faults.length} faults`);
  process.exit(faults.length === 0 ? 0 : 1);
}

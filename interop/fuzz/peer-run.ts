import { setTimeout as pause } from 'node:timers/promises';
import { Ensemble } from '../ensemble/ensemble.ts';
import type { Member } from '../ensemble/member.ts';
import { takePorts } from '../ensemble/ports.ts';
import { Bystanders, SUPER_DIGEST } from './bystanders.ts';
import type { FuzzReport } from './fuzz-run.ts';
import { logFaults } from './log-check.ts';
import { Memory } from './memory.ts';
import { STRANGERS } from './peer-draft.ts';
import { fuzzPeers, type PeerTally } from './peer-fuzz.ts';
import { treePrint } from './tree-print.ts';

/** Part of the packets that are sent before memory counts: what every server needs once. */
const WARM_UP = 0.1;
const MOST_DELAY_MS = 5_000;
const LOOK_EVERY_MS = 250;
const AGREE_MS = 60_000;
const ELECTED_MS = 30_000;

export interface PeerFireOptions {
  readonly seed: number;
  readonly packets: number;
  readonly progress: (text: string) => void;
}

/** What CI runs. */
export const PEER_SLICE = { packets: 12_000 } as const;

/** Fires at the election and quorum ports of three servers; then their leader is killed, and all must have the same state. */
export async function fuzzEnsemble({ seed, packets, progress }: PeerFireOptions): Promise<FuzzReport> {
  const ports = await takePorts(2 * STRANGERS.length);
  const strangers = ports.slice(STRANGERS.length);
  const observers = STRANGERS.map(
    (sid, i) => [`server.${sid}`, `127.0.0.1:${ports[i]}:${strangers[i]}:observer`] as const,
  );
  const ensemble = await Ensemble.create({
    kinds: ['headkeeper', 'headkeeper', 'headkeeper'],
    tickTime: 500,
    settings: {
      'DigestAuthenticationProvider.superDigest': SUPER_DIGEST,
      extendedTypesEnabled: 'true',
      'znode.container.checkIntervalMs': '1000',
      ...Object.fromEntries(observers),
    },
  });
  const rows: (readonly [string, string])[] = [['seed', String(seed)]];
  const faults: string[] = [];
  try {
    await ensemble.startAll();
    const { members } = ensemble;
    const address = members.map(({ clientPort }) => `127.0.0.1:${clientPort}`).join(',');
    const memories = members.map((member) => new Memory(member.process));
    const bystanders = await Bystanders.settle(address);
    const watch = new EnsembleWatch(ensemble);
    try {
      const fire = (count: number, nextSeed: number, told: (sent: number) => void): Promise<PeerTally> =>
        fuzzPeers({
          servers: members.map(({ quorumPort: quorum, electionPort: election }) => ({ quorum, election })),
          ...{ strangers, packets: count, seed: nextSeed, progress: told },
          config: configText(members),
          zxid: () => BigInt(watch.zxid),
          leader: () => watch.leader,
        });
      const begun = performance.now();
      await watch.begin();
      const warm = await fire(Math.ceil(packets * WARM_UP), seed, () => {});
      for (const memory of memories) memory.begin();
      let told = performance.now();
      const rest = await fire(packets - warm.packets, seed + 1, (sent) => {
        if (performance.now() - told < 10_000) return;
        told = performance.now();
        progress(`${warm.packets + sent} packets, ${memories.map(({ text }) => text).join('; ')}`);
      });
      rows.push(...tallyRows(warm, rest, (performance.now() - begun) / 1000));
    } catch (error) {
      const ended = members.filter(({ running }) => !running);
      for (const member of ended) faults.push(`${member.name} has ended with ${await member.process.ended}`);
      if (ended.length === 0) throw error;
    }
    watch.end();
    for (const [index, memory] of memories.entries()) {
      await memory.settle();
      rows.push([`resident memory, server ${index + 1}`, memory.text]);
      faults.push(...memory.faults());
    }
    if (watch.changes > 0) faults.push(`the leader changed ${watch.changes} times`);
    if (faults.length === 0) {
      faults.push(...(await bystanders.judge()));
      rows.push([
        'bystanders',
        `${bystanders.touched} changes, each seen once; slowest ${bystanders.slowestMs.toFixed(0)} ms`,
      ]);
      if (bystanders.slowestMs > MOST_DELAY_MS) faults.push(`a bystander waited ${bystanders.slowestMs.toFixed(0)} ms`);
    }
    await bystanders.close();
    if (faults.length === 0) await goesOn(ensemble, rows, faults);
    for (const member of members) faults.push(...logFaults(member.logFile, rows));
    await ensemble.end(faults.length === 0);
    if (faults.length > 0) rows.push(['folders', ensemble.folder]);
    return { rows, faults };
  } catch (error) {
    await ensemble.end(false);
    throw error;
  }
}

/** The text of the membership, as votes carry it. */
function configText(members: readonly Member[]): string {
  const lines = members.map(
    ({ sid, quorumPort, electionPort }) => `server.${sid}=127.0.0.1:${quorumPort}:${electionPort}:participant`,
  );
  return [...lines, 'version=0'].join('\n');
}

function tallyRows(warm: PeerTally, rest: PeerTally, seconds: number): (readonly [string, string])[] {
  const packets = warm.packets + rest.packets;
  const inside = warm.inside + rest.inside;
  const stages = [...rest.stages].map(([name, count]) => `${name} ${count + (warm.stages.get(name) ?? 0)}`);
  return [
    ['packets and votes', `${packets} in ${seconds.toFixed(0)} s, ${(packets / seconds).toFixed(0)} a second`],
    ['inside an exchange', `${inside} of them began as what belongs there (${((100 * inside) / packets).toFixed(0)}%)`],
    ['connections', `${warm.connections + rest.connections}, ${warm.calledBack + rest.calledBack} called back`],
    ['learners came to', stages.join(', ')],
  ];
}

/** Another server leads when the leader is killed; back again, it has what the others have. */
async function goesOn(ensemble: Ensemble, rows: (readonly [string, string])[], faults: string[]): Promise<void> {
  const leader = await ensemble.waitUntilWhole();
  await leader.kill();
  const begun = performance.now();
  const next = await ensemble.waitForLeader(ELECTED_MS);
  rows.push(['leader killed', `${next.name} leads after ${(performance.now() - begun).toFixed(0)} ms`]);
  await leader.start();
  await ensemble.waitUntilWhole();
  const deadline = performance.now() + AGREE_MS;
  for (;;) {
    const prints = [];
    for (const { clientPort } of ensemble.members) prints.push(await treePrint(`127.0.0.1:${clientPort}`));
    if (new Set(prints.map(({ hash }) => hash)).size === 1) {
      rows.push(['state of all three', `${prints[0]?.znodes} znodes, ${prints[0]?.hash}`]);
      return;
    }
    // Sessions that the fire has made may still end, while one server is asked after the other.
    if (performance.now() > deadline) {
      faults.push(
        `the servers have different states: ${prints.map(({ znodes, hash }) => `${znodes} ${hash}`).join(', ')}`,
      );
      return;
    }
    await pause(1_000);
  }
}

/** Looks who leads, and how far the ensemble is. */
class EnsembleWatch {
  readonly #ensemble: Ensemble;
  leader = 0;
  zxid = 0;
  /** Times that another server came to lead. */
  changes = -1;
  #stopped = false;

  constructor(ensemble: Ensemble) {
    this.#ensemble = ensemble;
  }

  async begin(): Promise<void> {
    await this.#look();
    void this.#repeat();
  }

  end(): void {
    this.#stopped = true;
  }

  async #repeat(): Promise<void> {
    while (!this.#stopped) {
      await pause(LOOK_EVERY_MS);
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    const leader = await this.#ensemble.leader();
    if (leader === null || this.#stopped) return;
    if (this.changes < 0 || this.#ensemble.members[this.leader] !== leader) this.changes++;
    this.leader = this.#ensemble.members.indexOf(leader);
    this.zxid = (await leader.zxid()) ?? this.zxid;
  }
}

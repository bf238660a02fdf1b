/** Servers of one kind as an ensemble on this machine, the same layout for both sides of the comparison. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isFree } from '@headkeeper/testkit';
import { installApacheZooKeeper, writeZooCfg } from '#peers/apache-zookeeper';
import { headkeeperBin } from '#peers/headkeeper';
import type { Program } from '../rows.ts';
import { Member } from './member.ts';

/** The limits of the sample configuration that Apache ships. */
export const tickTimeMs = 2000;
export const initLimitTicks = 10;
export const syncLimitTicks = 5;

/** Ports that no outgoing connection takes while their server is down. */
const firstPort = 12_000;
const portsBelow = 32_000;
let nextPort = firstPort + 12 * (process.pid % 1000);

export interface EnsembleOptions {
  readonly program: Program;
  /** A fresh folder for data, configurations and logs. */
  readonly folder: string;
  /** How many; three if not said. */
  readonly servers?: number;
  /** Java heap of each Apache server; 1 GiB if not said. */
  readonly heap?: string;
  /** More lines of zoo.cfg. */
  readonly extraConfig?: Readonly<Record<string, string>>;
}

export class Ensemble {
  readonly members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.members = members;
  }

  /** Writes the configurations; starts nothing. */
  static async prepare(options: EnsembleOptions): Promise<Ensemble> {
    const servers = Array.from({ length: options.servers ?? 3 }, (_, index) => index + 1);
    const ports = await freePorts(3 * servers.length);
    const lines: Record<string, string> = {
      tickTime: String(tickTimeMs),
      initLimit: String(initLimitTicks),
      syncLimit: String(syncLimitTicks),
      ...options.extraConfig,
    };
    for (const id of servers)
      lines[`server.${id}`] = `127.0.0.1:${ports[servers.length + id - 1]}:${ports[2 * servers.length + id - 1]}`;
    const members: Member[] = [];
    for (const id of servers) {
      const dataDir = join(options.folder, `server-${id}`);
      mkdirSync(dataDir, { recursive: true });
      writeFileSync(join(dataDir, 'myid'), `${id}\n`);
      const port = ports[id - 1]!;
      const config = writeZooCfg(dataDir, port, lines);
      members.push(
        new Member(id, port, await command(options.program, options.heap ?? '1g', config), `${dataDir}.log`),
      );
    }
    return new Ensemble(members);
  }

  /** Starts those that do not run and waits until all serve, one of them as leader. */
  async start(timeoutMs = 60_000): Promise<void> {
    for (const member of this.members) if (!member.running) member.start();
    for (const member of this.members) await member.until('serving', () => true, timeoutMs);
    await this.leader();
  }

  /** The leader. @throws Error when there is not exactly one */
  async leader(): Promise<Member> {
    const modes = await Promise.all(this.members.map(async (member) => (await member.status())?.mode ?? 'down'));
    const leaders = this.members.filter((_, index) => modes[index] === 'leader');
    if (leaders.length !== 1) throw new Error(`the servers are ${modes.join(', ')}`);
    return leaders[0]!;
  }

  /** Addresses for a client, the leader's last: a lone connection goes to the first, a follower. */
  async addresses(): Promise<string> {
    const leader = await this.leader();
    const others = this.members.filter((member) => member !== leader);
    return [...others, leader].map((member) => member.address).join(',');
  }

  /** What the servers said last, for the report of a failure. */
  lastWords(): string {
    return this.members.map((member) => `server ${member.id}:\n${member.lastWords()}`).join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => (member.running ? member.server.stop() : null)));
  }
}

async function command(program: Program, heap: string, config: string): Promise<string[]> {
  if (program === 'headkeeper') return [process.execPath, headkeeperBin, 'server', config];
  const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
  const java = ['java', `-Xmx${heap}`, '-Dzookeeper.jmx.log4j.disable=true', '-cp', await installApacheZooKeeper()];
  return [...java, main, config];
}

/** Ports of the loopback interface that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  for (let tries = 0; found.length < count; tries++) {
    if (tries > portsBelow - firstPort) throw new Error('there are no free ports');
    nextPort = nextPort + 1 < portsBelow ? nextPort + 1 : firstPort;
    if (await isFree(nextPort)) found.push(nextPort);
  }
  return found;
}

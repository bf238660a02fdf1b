/** Three servers with a history that is written once; each cell of a matrix begins with a copy of it. */

import { cpSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CreateMode, ErrorCode } from '@headkeeper/protocol';
import { ConnectionLost } from '../../crash/raw-session.ts';
import { Ensemble } from '../../ensemble/ensemble.ts';
import { creation, EnsembleSession } from '../../ensemble/ensemble-session.ts';
import type { Member } from '../../ensemble/member.ts';
import { treeOf } from '../../ensemble/tree.ts';
import { until } from '../../ensemble/waiting.ts';
import { type DataFile, filesBeside, filesOf } from '../damage.ts';
import { FaultControl } from '../fault-shim.ts';

/** The server with the greatest number wins among equals. */
export const LEADER = 3;
export const FOLLOWER = 1;

export interface StageOptions {
  /** Transactions until a snapshot and a new log file. */
  readonly snapCount: number;
  readonly znodes: number;
  /** Bytes of data in each. */
  readonly znodeBytes: number;
}

const SETTLED_WITHIN_MS = 30_000;
const WINDOW = 32;
const ROOT = '/matrix';

export class Stage {
  readonly ensemble: Ensemble;
  /** Every znode with every field, as all servers had it. */
  readonly truth: ReadonlyMap<string, string>;
  readonly #controls: ReadonlyMap<Member, FaultControl>;

  private constructor(
    ensemble: Ensemble,
    truth: ReadonlyMap<string, string>,
    controls: ReadonlyMap<Member, FaultControl>,
  ) {
    this.ensemble = ensemble;
    this.truth = truth;
    this.#controls = controls;
  }

  static async prepare({ snapCount, znodes, znodeBytes }: StageOptions): Promise<Stage> {
    const settings = { snapCount: String(snapCount), preAllocSize: '64' };
    const kinds = ['headkeeper', 'headkeeper', 'headkeeper'] as const;
    const ensemble = await Ensemble.create({ kinds, tickTime: 300, settings });
    try {
      const controls = new Map<Member, FaultControl>();
      for (const member of ensemble.members) {
        const control = await FaultControl.make(`${member.dataDir}.control`);
        member.env = control.env;
        controls.set(member, control);
      }
      await ensemble.startAll(LEADER);
      await write(ensemble.members, ROOT, znodes, znodeBytes, () => false);
      const truth = await treeOf(ensemble.member(FOLLOWER));
      // All of it is on every disk before they stop.
      for (const member of ensemble.members) await treeOf(member);
      for (const member of ensemble.members)
        if ((await member.stop()) !== 0) throw new Error(`${member.name} fails to stop`);
      for (const member of ensemble.members) cpSync(member.dataDir, `${member.dataDir}.whole`, { recursive: true });
      return new Stage(ensemble, truth, controls);
    } catch (error) {
      await ensemble.end(false);
      throw error;
    }
  }

  /** Files of a server with something in them, as every cell begins. */
  files(sid: number): DataFile[] {
    const { dataDir } = this.ensemble.member(sid);
    const whole = `${dataDir}.whole`;
    return [...filesOf(whole), ...filesBeside(whole)].map((file) => {
      return { ...file, path: join(dataDir, relative(whole, file.path)) };
    });
  }

  control(sid: number): FaultControl {
    return this.#controls.get(this.ensemble.member(sid)) as FaultControl;
  }

  /** Every server as it was when the history was written; none runs. */
  async restore(): Promise<void> {
    for (const member of this.ensemble.members) {
      if (member.running) await member.kill();
      rmSync(member.dataDir, { recursive: true, force: true });
      cpSync(`${member.dataDir}.whole`, member.dataDir, { recursive: true });
      this.control(member.sid).setRules([]);
    }
  }

  async startAll(): Promise<void> {
    await Promise.all(this.ensemble.members.map((member) => member.start()));
  }

  /** Waits until every server serves or has ended, and a majority serves. Returns those that serve. */
  settled(): Promise<readonly Member[]> {
    const { members } = this.ensemble;
    return until(
      'every server serving or ended, and most of them serving',
      SETTLED_WITHIN_MS,
      async () => {
        const modes = await Promise.all(members.map((member) => member.mode()));
        const serving = members.filter((_, index) => modes[index] !== null);
        const all = members.every((member) => !member.running || serving.includes(member));
        return all && serving.length * 2 > members.length && modes.includes('leader') && serving;
      },
      () => members.map((member) => `--- ${member.name}\n${member.logSince(0).slice(-1500)}`).join('\n'),
    );
  }

  /** What a server shows that is not as it was; at most a few. */
  async differences(member: Member): Promise<string[]> {
    return this.differencesOf(member, await treeOf(member), null);
  }

  /** The same of a tree that was read; znodes whose path begins with `except`, and their parent, have been made since. */
  differencesOf(member: Member, tree: ReadonlyMap<string, string>, except: string | null): string[] {
    const isNew = (path: string): boolean => except !== null && path.startsWith(except);
    const differences: string[] = [];
    for (const [path, line] of this.truth) {
      const found = tree.get(path);
      if (found !== line && !(except !== null && path === '/'))
        differences.push(`${member.name}: ${path} is ${found ?? 'gone'}, was ${line}`);
    }
    for (const path of tree.keys()) {
      if (!this.truth.has(path) && !isNew(path)) differences.push(`${member.name}: ${path} is there and was not`);
    }
    return differences.slice(0, 3);
  }

  async end(remove: boolean): Promise<void> {
    await this.ensemble.end(remove);
  }
}

/**
 * Creates znodes below `root` until there are so many, or `isOver`; whoever of the members serves takes them.
 * @returns paths that were acknowledged
 */
export async function write(
  members: readonly Member[],
  root: string,
  znodes: number,
  znodeBytes: number,
  isOver: () => boolean,
): Promise<string[]> {
  const session = new EnsembleSession('writer', { ports: members.map((member) => member.clientPort) });
  const acknowledged: string[] = [];
  await session.ensure(root);
  for (let first = 0; first < znodes && !isOver(); first += WINDOW) {
    const paths = Array.from({ length: Math.min(WINDOW, znodes - first) }, (_, at) => `${root}/${first + at}`);
    await Promise.all(
      paths.map(async (path) => {
        try {
          const { error } = await session.ask(
            'create',
            creation(path, path.padEnd(znodeBytes, '.'), CreateMode.persistent),
          );
          if (error === ErrorCode.ok) acknowledged.push(path);
        } catch (error) {
          if (!(error instanceof ConnectionLost)) throw error;
        }
      }),
    );
  }
  await session.close();
  return acknowledged;
}

import type { Client } from '@headkeeper/client';
import type { RandomStream } from '@headkeeper/testkit';
import type { Oracle } from '../model/oracle.ts';
import type { World } from '../world/world.ts';
import type { ClientNode } from './client-node.ts';
import type { GrantRecord } from './grant-record.ts';
import type { RecipeCounts } from './recipe-counts.ts';

/** One process: a machine and the client that runs on it. */
export interface Actor {
  readonly node: ClientNode;
  readonly client: Client;
  readonly random: RandomStream;
  sleep(ms: number): Promise<void>;
}

/** What all workloads of a run share. */
export interface Stage {
  readonly world: World;
  readonly oracle: Oracle;
  readonly counts: RecipeCounts;
  /** Who held what, for the judges of histories. */
  readonly record: GrantRecord;
  /** Whether there are faults at present. */
  isStormy(): boolean;
  /** The zxids that were committed behind one. */
  committedAfter(zxid: number): readonly number[];
}

/** Something that a process does over and over. */
export interface Task {
  readonly name: string;
  /** Mean pause between two steps, milliseconds. */
  readonly thinkMs: number;
  /** Ends within the bound of liveness once nothing is broken. May reject with what a ZooKeeperError may say of the servers. */
  step(): Promise<void>;
}

/** One object that several processes share by a recipe, with the laws that it must keep. */
export interface Workload {
  readonly name: string;
  /** What a process that has just begun does with it. */
  tasks(actor: Actor): readonly Task[];
  /** The servers have ended a session. */
  expired?(session: bigint): void;
  /** Once all tasks have ended and nothing is broken: what is still to come, or null. */
  isUnsettled?(): string | null;
  /** A last look by a fresh process, behind all others' last steps. */
  audit?(actor: Actor): Promise<void>;
}

import type { ServerLog } from '@headkeeper/server/embedding';
import { empty } from './node/emptying.ts';
import type { ServerNode } from './node/server-node.ts';
import { idOf, isAlive, keyOf, sessionsOf } from './node/sessions.ts';
import { TestingError } from './testing-error.ts';
import type { TestTime } from './time/test-time.ts';
import { turn, until } from './time/turns.ts';

/** How long anything may take that is done within the process, milliseconds of real time. */
export const PATIENCE_MS = 10_000;
/** Turns of the loop in which servers hear each other after a step of their clocks. */
const TURNS_PER_STEP = 4;
/** So many ticks at the end of an advance are made in small steps. */
const SMALL_TICKS = 3;

export const SILENT: ServerLog = { info: () => {}, warn: () => {}, error: () => {} };

/** What is done to all servers of a test at once. */
export class TestServers {
  readonly nodes: readonly ServerNode[];
  readonly #time: TestTime;

  constructor(nodes: readonly ServerNode[], time: TestTime) {
    this.nodes = nodes;
    this.#time = time;
  }

  /** The server that decides: the only one, or the leader; null while there is none. */
  get deciding(): ServerNode | null {
    let best: ServerNode | null = null;
    let bestEpoch = -1;
    for (const node of this.nodes) {
      const member = node.life?.server.replica.member ?? null;
      if (!node.isServing || (member !== null && member.role.name !== 'leading')) continue;
      // Behind a cut an old leader may not know yet that it leads no more.
      const epoch = member?.stage.epochs.current ?? 0;
      if (epoch > bestEpoch) [best, bestEpoch] = [node, epoch];
    }
    return best;
  }

  sessions(): bigint[] {
    return sessionsOf(this.#decider('sessions()').running('sessions()').server).map(idOf);
  }

  async expireSession(id: bigint): Promise<void> {
    if (typeof id !== 'bigint')
      throw new TestingError(`expireSession(): expected a session id as a bigint, not ${String(id)}`);
    const key = keyOf(id);
    const { server } = this.#decider('expireSession()').running('expireSession()');
    if (!isAlive(server, key))
      throw new TestingError(`expireSession(): there is no session 0x${BigInt.asUintN(64, id).toString(16)}`);
    server.driver.expireSession(key.idHigh, key.idLow);
    await this.#reach('expireSession()', () =>
      this.#serving().every((node) => !node.life || !isAlive(node.life.server, key)),
    );
  }

  async reset(): Promise<void> {
    for (const node of this.nodes) if (node.state === 'paused') node.running('reset()');
    const decider = this.#decider('reset()');
    const { server } = decider.running('reset()');
    const lives = this.nodes.flatMap((node) => (node.life === null ? [] : [node.life]));
    for (const life of lives) life.holdClients();
    try {
      await empty(server, PATIENCE_MS);
      const { lastZxid } = server.replica.serving;
      await this.#reach('reset()', () =>
        this.#serving().every((node) => (node.life?.server.replica.serving.lastZxid ?? lastZxid) >= lastZxid),
      );
    } finally {
      for (const life of lives) if (this.nodes.some((node) => node.life === life)) life.releaseClients();
    }
  }

  /**
   * Servers of an ensemble hear each other between the steps in which the time goes on: otherwise all of them would find
   * that the others were silent for too long.
   */
  async advance(ms: number): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0)
      throw new TestingError(`advance(): expected milliseconds, 0 or more, not ${ms}`);
    for (let left = ms; left > 0; ) {
      const stepMs = Math.min(left, ...this.nodes.map((node) => stepOf(node, left)));
      this.#time.advance(stepMs);
      left -= stepMs;
      for (let turns = 0; turns < TURNS_PER_STEP; turns++) await turn();
    }
    this.#time.settle();
    await this.#reach('advance()', () => this.#serving().every((node) => node.life?.server.replica.outstanding === 0));
  }

  async killAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill(false)));
  }

  #serving(): ServerNode[] {
    return this.nodes.filter((node) => node.isServing);
  }

  #decider(toDo: string): ServerNode {
    const { deciding } = this;
    if (deciding !== null) return deciding;
    const only = this.nodes[0];
    if (this.nodes.length === 1 && only !== undefined && !only.config.ensemble) {
      only.running(toDo);
    }
    throw new TestingError(`${toDo}: no server leads; waitForLeader() first`);
  }

  async #reach(toDo: string, holds: () => boolean): Promise<void> {
    if (!(await until(holds, PATIENCE_MS)))
      throw new TestingError(`${toDo}: it has not come about within ${PATIENCE_MS} ms`);
  }
}

/**
 * How far a server's clock may go on at once. A leader whose clock has made a leap ends no session until it has heard its
 * followers once more: the last ticks are small steps.
 */
function stepOf({ config }: ServerNode, leftMs: number): number {
  if (config.ensemble === null) return leftMs;
  const { tickTimeMs } = config;
  const leapMs = Math.max(1, Math.floor((config.syncLimitTicks * tickTimeMs) / 4));
  const smallMs = Math.max(1, Math.floor(tickTimeMs / 2));
  const tailMs = SMALL_TICKS * tickTimeMs;
  return leftMs <= tailMs ? smallMs : Math.min(leapMs, leftMs - tailMs);
}

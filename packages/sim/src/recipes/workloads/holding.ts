import { law, zxidText } from '../../check/violation.ts';
import { SECOND } from '../../world/world.ts';
import type { Grant } from '../grant.ts';
import { FencedStore } from '../laws/fenced-store.ts';
import type { LockRules } from '../laws/lock-watch.ts';
import { LockWatch } from '../laws/lock-watch.ts';
import type { Actor, Stage } from '../workload.ts';

/** How long a client may take to tell that its session may be over. */
const HEARING = SECOND;
/** Mean of a long hold, and how often one looks whether one still holds. */
const LONG_MS = 15_000;
const LOOK_MS = 500;
/** Timers are late: the one that tells may go off behind the one that looks. */
const LATENESS_MS = 10;

/** What all recipes give to those who hold something. */
export interface Holding {
  readonly session: bigint;
  readonly token: number;
  readonly signal: AbortSignal;
}

/** What holders of one recipe do: for a while they write to a store with their tokens, as long as they are told that they may. */
export class Holders {
  readonly watch: LockWatch;
  readonly #store: FencedStore;
  readonly #holdMs: number;
  readonly #stage: Stage;

  constructor(rules: LockRules, stage: Stage, holdMs: number) {
    this.#holdMs = holdMs;
    this.#stage = stage;
    this.watch = new LockWatch(rules, stage);
    this.#store = new FencedStore(rules.path, this.watch, stage);
  }

  /** Works under what is held and then gives it up. */
  async workAndRelease(actor: Actor, kind: string, held: Holding, release: () => Promise<void>): Promise<void> {
    const grant = this.grant(actor, kind, held);
    if (grant !== null) {
      await this.work(actor, grant);
      this.watch.givenUp(grant);
    }
    await release();
  }

  /** Null: it was lost before one was told. */
  grant({ node }: Actor, kind: string, { session, token, signal }: Holding): Grant | null {
    return signal.aborted ? null : this.watch.granted(node, session, kind, token, signal);
  }

  async work(actor: Actor, grant: Grant): Promise<void> {
    const { random } = actor;
    const { signal } = grant;
    // At times for longer than a session lasts that is cut off.
    const isLong = random.below(6) === 0;
    for (let i = random.below(4); i > 0 && !signal.aborted; i--) {
      await this.#hold(actor, grant, random.wait(isLong ? LONG_MS : this.#holdMs), isLong);
      if (signal.aborted) return;
      await new Promise<boolean>((resolve) => this.#store.write(grant, resolve));
    }
  }

  /** Long holds end with the faults, so that those who wait are not kept. */
  async #hold({ node, client, sleep }: Actor, { signal, token }: Grant, ms: number, isLong: boolean): Promise<void> {
    for (let left = ms; left >= 0 && !signal.aborted; left -= LOOK_MS) {
      await sleep(Math.min(left, LOOK_MS));
      if (!signal.aborted && client.sessionCertainForMs === 0) await sleep(LATENESS_MS);
      // A process that has just gone on after a pause may not have heard yet.
      const hasHeard = node.world.now - node.runsSince > HEARING;
      law(signal.aborted || client.sessionCertainForMs > 0 || !hasHeard, 'notice', () => {
        return `${node.name} is to hold with token ${zxidText(token)} while its session may be over`;
      });
      if (isLong && !this.#stage.isStormy()) return;
    }
  }
}

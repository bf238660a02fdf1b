import { FencedStore } from '../laws/fenced-store.ts';
import type { Grant, LockRules } from '../laws/lock-watch.ts';
import { LockWatch } from '../laws/lock-watch.ts';
import type { Actor, Stage } from '../workload.ts';

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

  constructor(rules: LockRules, stage: Stage, holdMs: number) {
    this.#holdMs = holdMs;
    this.watch = new LockWatch(rules, stage.world, stage.oracle, stage.counts);
    this.#store = new FencedStore(stage.world, this.watch, stage.counts);
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

  async work({ random, sleep }: Actor, grant: Grant): Promise<void> {
    const { signal } = grant;
    for (let i = random.below(4); i > 0 && !signal.aborted; i--) {
      await sleep(random.wait(this.#holdMs));
      if (signal.aborted) return;
      await new Promise<boolean>((resolve) => this.#store.write(grant, resolve));
    }
  }
}

import { MultiLock, Mutex, ReentrantMutex } from '@headkeeper/recipes';
import type { Actor, Stage, Task, Workload } from '../workload.ts';
import { Holders } from './holding.ts';
import { isAlone, somePatience } from './locking.ts';

const OUTER = '/nesting-a';
const INNER = '/nesting-b';

/** Two locks: some take both as one, some the first alone, and that one again while they have it. */
export class Nesting implements Workload {
  readonly name = 'nesting';
  readonly #outer: Holders;
  readonly #inner: Holders;

  constructor(stage: Stage, holdMs: number) {
    const rules = { fits: isAlone, isOrdered: () => true, isInherited: () => false };
    this.#outer = new Holders({ ...rules, name: 'the outer lock', path: OUTER }, stage, holdMs);
    this.#inner = new Holders({ ...rules, name: 'the inner lock', path: INNER }, stage, holdMs);
  }

  tasks(actor: Actor): readonly Task[] {
    const { client, random } = actor;
    const reentrant = new ReentrantMutex(client, OUTER);
    const both = async (): Promise<void> => {
      const locks = [new Mutex(client, OUTER), new Mutex(client, INNER)];
      const [outer, inner] = [this.#outer, this.#inner];
      const held = await new MultiLock(locks).acquire(somePatience(actor));
      const { signal } = held;
      const grants = signal.aborted
        ? []
        : held.holds.map((hold, i) => {
            const { token, session } = hold as { token: number; session: bigint } & typeof hold;
            const holders = i === 0 ? outer : inner;
            return { holders, grant: holders.grant(actor, 'lock', { token, session, signal }) };
          });
      for (const { holders, grant } of grants) if (grant !== null) await holders.work(actor, grant);
      for (const { holders, grant } of grants) if (grant !== null) holders.watch.givenUp(grant);
      await held.release();
    };
    const again = async (): Promise<void> => {
      const owner = {};
      const first = await reentrant.acquire(owner, somePatience(actor));
      const session = client.session.id;
      const grant = this.#outer.grant(actor, 'lock', { session, token: first.token, signal: first.signal });
      try {
        if (grant !== null) {
          const second = await reentrant.acquire(owner);
          await this.#outer.work(actor, grant);
          await second.release();
          this.#outer.watch.givenUp(grant);
        }
      } finally {
        if (grant !== null) this.#outer.watch.givenUp(grant);
        for (let left = reentrant.holdsOf(owner); left > 0; left--) await first.release();
      }
    };
    return [{ name: this.name, thinkMs: 200, step: () => (random.below(2) === 0 ? both() : again()) }];
  }

  expired(session: bigint): void {
    for (const { watch } of [this.#outer, this.#inner]) watch.expired(session);
  }

  isUnsettled(): string | null {
    return this.#outer.watch.leftOver ?? this.#inner.watch.leftOver;
  }
}

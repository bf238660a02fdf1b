import { type Layout, ReadWriteLock } from '@headkeeper/recipes';
import type { Actor, Stage, Task, Workload } from '../workload.ts';
import { Holders } from './holding.ts';
import { somePatience } from './locking.ts';

const PATH = '/sharing';

/** A read-write lock; some writers go on as readers. */
export class Sharing implements Workload {
  readonly name = 'sharing';
  readonly #holders: Holders;
  readonly #layout: Layout;

  constructor(stage: Stage, holdMs: number) {
    this.#layout = stage.world.stream('sharing').pick(['curator', 'curator', 'kazoo']);
    const rules = {
      name: 'the read-write lock',
      path: PATH,
      fits: (kinds: readonly string[]) => kinds.length <= 1 || !kinds.includes('write'),
      isOrdered: (kind: string) => kind === 'write',
      isInherited: (kind: string) => kind === 'downgraded',
    };
    this.#holders = new Holders(rules, stage, holdMs);
  }

  tasks(actor: Actor): readonly Task[] {
    const lock = new ReadWriteLock(actor.client, PATH, { layout: this.#layout });
    return [
      { name: `${this.name} to write`, thinkMs: 300, step: () => this.#write(actor, lock) },
      { name: `${this.name} to read`, thinkMs: 100, step: () => this.#read(actor, lock) },
    ];
  }

  expired(session: bigint): void {
    this.#holders.watch.expired(session);
  }

  isUnsettled(): string | null {
    return this.#holders.watch.leftOver;
  }

  async #read(actor: Actor, { read }: ReadWriteLock): Promise<void> {
    const held = await (actor.random.below(6) === 0 ? read.tryAcquire() : read.acquire(somePatience(actor)));
    if (held === null) return;
    const grant = this.#holders.grant(actor, 'read', held);
    if (grant !== null) {
      await actor.sleep(actor.random.wait(50));
      this.#holders.watch.givenUp(grant);
    }
    await held.release();
  }

  async #write(actor: Actor, lock: ReadWriteLock): Promise<void> {
    const held = await lock.write.acquire(somePatience(actor));
    const grant = this.#holders.grant(actor, 'write', held);
    if (grant !== null) {
      await this.#holders.work(actor, grant);
      this.#holders.watch.givenUp(grant);
      if (actor.random.below(4) === 0) {
        try {
          const reader = await lock.downgrade(held);
          await this.#holders.workAndRelease(actor, 'downgraded', reader, () => reader.release());
        } finally {
          await held.release();
        }
        return;
      }
    }
    await held.release();
  }
}

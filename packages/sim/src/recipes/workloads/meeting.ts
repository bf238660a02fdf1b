import { type BarrierMember, DoubleBarrier } from '@headkeeper/recipes';
import { law, zxidText } from '../../check/violation.ts';
import { MeetingWatch, type Visit } from '../laws/meeting-watch.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';

const PATH = '/meeting';
const PATIENCE_MS = [100, 5000, 40_000] as const;
const LOOK_MS = 1000;
/** How many looks in a row may find a member on its way out of a round that is over, when nothing is broken. */
const MOST_LOOKS = 10;

/** A double barrier, over and over: all members begin together and end together. Some come and do not wait long. */
export class Meeting implements Workload {
  readonly name = 'meeting';
  readonly #stage: Stage;
  readonly #members: number;
  readonly #holdMs: number;
  readonly #watch: MeetingWatch;

  constructor(stage: Stage, clients: number, holdMs: number) {
    this.#stage = stage;
    this.#members = clients;
    this.#holdMs = holdMs;
    this.#watch = new MeetingWatch(stage, PATH, clients);
  }

  tasks(actor: Actor): readonly Task[] {
    const barrier = new DoubleBarrier(actor.client, PATH, this.#members, { id: actor.node.name });
    const step = async (): Promise<void> => {
      const { client, random } = actor;
      const from = client.lastZxid;
      const member = await barrier.enter({ timeoutMs: random.pick(PATIENCE_MS) });
      const visit = this.#watch.entered(actor, from, member.signal);
      await actor.sleep(random.wait(this.#holdMs));
      await this.#leave(actor, member, visit);
    };
    return [{ name: this.name, thinkMs: 100, step }];
  }

  async #leave(actor: Actor, member: BarrierMember, visit: Visit): Promise<void> {
    visit.wantsOut = true;
    let isOut = false;
    void (async () => {
      const { client } = actor;
      for (let looks = 0; !isOut && client.state !== 'closed'; ) {
        // Servers that the faults have left without a leader may need longer to find one.
        const isServed = client.state === 'connected' && !this.#stage.isStormy();
        looks = isServed && this.#watch.isOver(visit) ? looks + 1 : 0;
        law(looks <= MOST_LOOKS, 'wake-up', () => {
          return `${actor.node.name} is still on its way out of the round of ${zxidText(visit.round)}, which is over`;
        });
        await actor.sleep(LOOK_MS);
      }
    })().catch((error) => this.#stage.world.fail(error));
    try {
      await member.leave();
      this.#watch.left(visit);
    } finally {
      isOut = true;
    }
  }
}

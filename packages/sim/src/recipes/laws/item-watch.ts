import { law } from '../../check/violation.ts';
import type { Oracle } from '../../model/oracle.ts';
import type { RecipeCounts } from '../recipe-counts.ts';
import type { Actor } from '../workload.ts';

interface Item {
  readonly id: number;
  state: 'asked for' | 'there' | 'doubtful' | 'refused';
  readonly takers: Taking[];
  /** Removals by name that have not ended, or of which nobody was told how. */
  removals: number;
  /** Whoever was told that it has dealt with it. */
  doneBy: string | null;
}

/** An item was handed to somebody. */
export interface Taking {
  readonly actor: Actor;
  readonly life: number;
  readonly session: bigint;
  readonly signal: AbortSignal;
  isOver: boolean;
}

/**
 * Hand-over. Without locks an item is handed out at most once, and what was put is handed out, unless its taker died over the
 * taking. With locks it is handed out until somebody is done with it, to one at a time, as with a mutex, and then no more.
 */
export class ItemWatch {
  readonly #oracle: Oracle;
  readonly #counts: RecipeCounts;
  readonly #isLocking: boolean;
  readonly #items: Item[] = [];
  readonly #takingNow: Set<Actor> = new Set();

  constructor(oracle: Oracle, counts: RecipeCounts, isLocking: boolean) {
    this.#oracle = oracle;
    this.#counts = counts;
    this.#isLocking = isLocking;
  }

  /** The text of a new item. */
  asked(): { readonly id: number; readonly text: string } {
    const id = this.#items.length;
    this.#items.push({ id, state: 'asked for', takers: [], removals: 0, doneBy: null });
    return { id, text: `item ${id}` };
  }

  put(id: number): void {
    this.#counts.itemsPut++;
    this.#items[id].state = 'there';
  }

  notPut(id: number, isUnknown: boolean): void {
    if (isUnknown) this.#counts.unknownOutcomes++;
    this.#items[id].state = isUnknown ? 'doubtful' : 'refused';
  }

  /** From now on until it is told what came of it a process may take something and die over it. */
  takes(actor: Actor): void {
    this.#takingNow.add(actor);
  }

  tookNothing(actor: Actor): void {
    this.#takingNow.delete(actor);
  }

  took(
    actor: Actor,
    text: string,
    session: bigint,
    signal: AbortSignal,
  ): { readonly id: number; readonly taking: Taking } {
    this.#takingNow.delete(actor);
    this.#counts.itemsTaken++;
    const item = this.#items[Number(/^item (\d+)$/.exec(text)?.[1] ?? -1)];
    const { name } = actor.node;
    law(item !== undefined, 'hand-over', () => `${name} is handed ${JSON.stringify(text)}, which nobody put`);
    law(
      item.state !== 'refused',
      'hand-over',
      () => `${name} is handed ${text}, whose putting was said to have failed`,
    );
    // Who has stood still may be handed what it locked in a session that has ended meanwhile.
    const isLiving = this.#oracle.sessions.has(session);
    const isDone = item.doneBy !== null && (isLiving || !this.#isLocking);
    law(!isDone, 'hand-over', () => `${name} is handed ${text}, with which ${item.doneBy} was done`);
    if (this.#isLocking) {
      const others = item.takers.filter((each) => isInForce(each) && this.#oracle.sessions.has(each.session));
      law(others.length === 0 || !isLiving, 'mutual exclusion', () => {
        return `${name} is handed ${text}, which ${others[0].actor.node.name} has`;
      });
    } else {
      law(item.takers.length === 0, 'hand-over', () => {
        return `${name} is handed ${text}, which ${item.takers[0].actor.node.name} was handed before`;
      });
    }
    const taking = { actor, life: actor.node.life, session, signal, isOver: false };
    item.takers.push(taking);
    return { id: item.id, taking };
  }

  done(id: number, taking: Taking): void {
    const item = this.#items[id];
    const { name } = taking.actor.node;
    law(item.doneBy === null, 'hand-over', () => `${name} is done with item ${id}, as ${item.doneBy} was before`);
    item.doneBy = name;
    taking.isOver = true;
  }

  /** From now on until it is told what came of it the item may be removed, and the remover die over it. */
  removes(id: number): void {
    this.#items[id].removals++;
  }

  notRemoved(id: number): void {
    this.#items[id].removals--;
  }

  /** Removed by its name: that is a hand-over as well. */
  removed(actor: Actor, id: number): void {
    this.#counts.itemsRemoved++;
    const item = this.#items[id];
    const { name } = actor.node;
    const before = item.doneBy ?? (this.#isLocking ? undefined : item.takers[0]?.actor.node.name);
    law(before === undefined, 'hand-over', () => `${name} has removed item ${id}, which ${before} has got`);
    item.removals--;
    item.doneBy = name;
  }

  /** The queue is empty and nobody is at it. */
  checkNothingLost(): void {
    const lost = this.#items.filter(({ state, takers, removals, doneBy }) => {
      if (state !== 'there' || removals > 0) return false;
      return doneBy === null && takers.length === 0;
    });
    const most = this.#isLocking ? 0 : this.#takingNow.size;
    law(lost.length <= most, 'hand-over', () => {
      const names = lost.map(({ id }) => `item ${id}`).join(', ');
      return `${names} were put and never handed out; ${most} processes died while they were taking something`;
    });
  }
}

function isInForce({ actor, life, signal, isOver }: Taking): boolean {
  const { node } = actor;
  return node.isUp && node.life === life && !signal.aborted && !isOver;
}

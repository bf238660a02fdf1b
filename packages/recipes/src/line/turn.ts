import { type Client, isZooKeeperError } from '@headkeeper/client';
import type { Wait } from '../wait.ts';
import { childPath } from '../znode-name.ts';
import { contendersOf } from './contenders.ts';
import { anyEvent } from './ear.ts';
import type { Place } from './place.ts';

/** Who has to go before it is one's turn. */
export interface Blocker {
  readonly name: string;
  /** Nobody else can be in the way once this one has gone. */
  readonly isLast: boolean;
}

/** Finds who is in the way, among all children of the directory; null: nobody. */
export type FindBlocker = (children: readonly string[], own: string) => Blocker | null;

/** For those of whom one at a time has its turn: the one right before, among those with such a marker. */
export function predecessorAmong(markers: readonly string[]): FindBlocker {
  return (children, own) => {
    const line = contendersOf(children, markers);
    const at = line.findIndex(({ name }) => name === own);
    // Whoever does not see himself in the line must not take the lack of somebody before him for his turn.
    if (at < 0) throw new RangeError(`${own} is no name of one that stands in this line (${markers.join(', ')})`);
    const before = line[at - 1];
    return before === undefined ? null : { name: before.name, isLast: at === 1 };
  };
}

/**
 * Waits until nobody is in the way. Only the blocker is watched, so that one client wakes for each that goes.
 *
 * @returns false when the place is gone, with its session or by somebody's hand.
 */
export async function waitForTurn(client: Client, place: Place, find: FindBlocker, wait: Wait): Promise<boolean> {
  for (;;) {
    const blocker = await look(client, place, find, wait);
    if (blocker === 'gone') return false;
    if (blocker === null) return true;
    const event = await anyEvent(client, childPath(place.directory, blocker.name), place.session, wait);
    if (event !== 'deleted' || !blocker.isLast) continue;
    // No need to look again: the event came in our session, and the servers cannot have ended that meanwhile.
    if (isSessionCertain(client, place)) return true;
  }
}

/** Whether it is one's turn now. */
export async function isTurn(client: Client, place: Place, find: FindBlocker, wait: Wait): Promise<boolean> {
  return (await look(client, place, find, wait)) === null;
}

async function look(client: Client, place: Place, find: FindBlocker, wait: Wait): Promise<Blocker | 'gone' | null> {
  const { directory, name, session } = place;
  for (;;) {
    wait.check();
    try {
      const { children } = await client.getChildren(directory, { session, signal: wait.signal });
      if (!children.includes(name)) return 'gone';
      const blocker = find(children, name);
      // An answer that lay about for a session timeout says nothing about now.
      if (blocker !== null || isSessionCertain(client, place)) return blocker;
    } catch (error) {
      if (isZooKeeperError(error, 'noNode', 'sessionExpired')) return 'gone';
      await wait.afterFailure(error);
    }
  }
}

function isSessionCertain(client: Client, place: Place): boolean {
  return client.session.id === place.session && client.sessionCertainForMs > 0;
}

import type { Acl, Client, DataInput } from '@headkeeper/client';
import { Held } from '../held.ts';
import { bounded, type Wait, type WaitOptions } from '../wait.ts';
import { type Layout, prefixFor } from './contenders.ts';
import { type Place, takePlace } from './place.ts';
import { type FindBlocker, isTurn, waitForTurn } from './turn.ts';

/** How a recipe stands in line. */
export interface LineSpec {
  readonly directory: string;
  readonly layout: Layout;
  /** What its names end with before the number. */
  readonly marker: string;
  readonly data: DataInput;
  readonly acl: readonly Acl[] | undefined;
  readonly findBlocker: FindBlocker;
}

/** What the znodes of a lock hold, and who may see them. */
export interface ContenderOptions {
  /** Whose names to use; `curator` unless given. */
  readonly layout?: Layout;
  /** What the znode holds while one waits or holds, for people to read. */
  readonly data?: DataInput;
  /** Who may do what with the znode; everybody everything, unless given. */
  readonly acl?: readonly Acl[];
}

/** Stands in line until it is one's turn, and again at the end whenever a session ends meanwhile. */
export function acquireInLine(client: Client, spec: LineSpec, options: WaitOptions): Promise<Held> {
  return bounded(
    client,
    'acquire',
    spec.directory,
    options,
    async (wait) => new Held(client, await placeInFront(client, spec, wait)),
  );
}

/** The same without waiting for others: null when somebody is in the way. */
export function tryAcquireInLine(client: Client, spec: LineSpec, options: WaitOptions): Promise<Held | null> {
  return bounded(client, 'tryAcquire', spec.directory, options, async (wait) => {
    const place = await standInLine(client, spec, wait);
    try {
      if (await isTurn(client, place, spec.findBlocker, wait)) return new Held(client, place);
    } catch (error) {
      void place.remove().catch(() => {});
      throw error;
    }
    await wait.forRemoval(place.remove());
    return null;
  });
}

export async function placeInFront(client: Client, spec: LineSpec, wait: Wait): Promise<Place> {
  for (;;) {
    const place = await standInLine(client, spec, wait);
    try {
      if (await waitForTurn(client, place, spec.findBlocker, wait)) return place;
    } catch (error) {
      void place.remove().catch(() => {});
      throw error;
    }
  }
}

export function standInLine(client: Client, spec: LineSpec, wait: Wait): Promise<Place> {
  const { directory, layout, marker, data, acl } = spec;
  const prefix = prefixFor(layout, client.uniqueId(), marker);
  return takePlace(client, { directory, prefix, mode: 'ephemeralSequential', data, acl, layout }, wait);
}

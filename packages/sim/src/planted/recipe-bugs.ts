import type { PlantedBug } from './planted-bug.ts';

const PACKAGE = 'recipes';

/** Bugs in recipes and in the client below them, to see whether random seeds of `--recipes` find each. */
export const RECIPE_BUGS: readonly PlantedBug[] = [
  {
    name: 'waiting without a watch',
    source: 'a contender waits for the one before it, and nobody tells it',
    profile: null,
    edits: [
      {
        package: PACKAGE,
        file: 'line/ear.js',
        find: 'await client.getData(path, { ...bound, signal: wait.signal, watch: ear.watch });',
        put: 'await client.getData(path, { ...bound, signal: wait.signal });',
      },
    ],
  },
  {
    name: 'uncertain sessions ignored',
    source: 'a holder without contact goes on after its session timeout',
    profile: 'locking',
    edits: [
      {
        package: PACKAGE,
        file: 'session-hold.js',
        find: "(event.type === 'sessionUncertain' || event.type === 'sessionExpired')",
        put: "event.type === 'sessionExpired'",
      },
    ],
  },
  {
    name: 'created again without looking',
    source: 'after an unknown outcome a second znode is created; the first stays in line',
    profile: null,
    edits: [{ package: PACKAGE, file: 'line/place.js', find: 'if (isInDoubt) {', put: 'if (false) {' }],
  },
  {
    name: 'the one before is the last',
    source: 'when a waiter in the middle gives up, the one behind it takes the lock',
    profile: null,
    edits: [
      {
        package: PACKAGE,
        file: 'line/turn.js',
        find: 'isLast: at === 1 };',
        put: 'isLast: true };',
      },
    ],
  },
  {
    name: 'made again without asking the witness',
    source: 'a change whose answer was lost is made once more',
    profile: null,
    edits: [
      {
        package: PACKAGE,
        file: 'outcome/witness.js',
        find: 'const wasMade = await this.#find(slot, error);',
        put: 'const wasMade = (await this.#find(slot, error)) && false;',
      },
    ],
  },
  {
    name: 'a version that nobody compares',
    source: 'a shared value is set in place of one that the caller has not seen',
    profile: 'setting',
    edits: [
      {
        package: PACKAGE,
        file: 'outcome/cell.js',
        find: 'to.setData(this.path, data, { version })',
        put: 'to.setData(this.path, data)',
      },
    ],
  },
  {
    name: 'leaving waits for whoever is there',
    source: 'a member on its way out waits for one that has come back, and that waits for it',
    profile: 'meeting',
    edits: [
      {
        package: PACKAGE,
        file: 'barriers/double-barrier.js',
        find: 'const staying = members.filter((member) => round.includes(member));',
        put: 'const staying = members;',
      },
    ],
  },
  {
    name: 'watches not taken along',
    source: 'a client that comes to another server does not tell it what it watches',
    profile: null,
    edits: [
      {
        package: 'client',
        file: 'core/session.js',
        find: '        this.#restoreWatches(connection);',
        put: '',
      },
    ],
  },
  {
    name: 'items handed out before their time',
    source: 'the time of an item is rounded down to the second by its taker',
    profile: 'delaying',
    edits: [
      {
        package: PACKAGE,
        file: 'queue/distributed-queue.js',
        find: 'waitMs: (name) => dueAt(name) - clock(),',
        put: 'waitMs: (name) => dueAt(name) - (dueAt(name) % 1000) - clock(),',
      },
    ],
  },
  {
    name: 'a sleeper until an item is due that is not woken',
    source: 'whoever waits for the time of an item waits for a change of the queue alone',
    profile: 'delaying',
    edits: [
      {
        package: PACKAGE,
        file: 'queue/item-queue.js',
        find: 'found === Number.POSITIVE_INFINITY ? wait.event(changed)',
        put: 'found > 0 ? wait.event(changed)',
      },
    ],
  },
  {
    name: 'removed by whoever comes second',
    source: 'a removal by name says that it was made when somebody else has taken the item',
    profile: 'replacing',
    edits: [
      {
        package: PACKAGE,
        file: 'queue/item-queue.js',
        find: 'return delivery !== null;',
        put: 'return true;',
      },
    ],
  },
];

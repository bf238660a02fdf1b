import { isZooKeeperError } from '@headkeeper/client';
import { Cache, GroupMembership } from '@headkeeper/recipes';
import { law, zxidText } from '../../check/violation.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';

const PATH = '/caching';
const GROUP = '/caching-group';

interface Reader {
  readonly actor: Actor;
  readonly life: number;
  readonly cache: Cache;
  readonly group: GroupMembership;
  /** The members that its stream of them has shown last. */
  members: string;
}

/** A copy of a tree, and a group of processes that belong together for as long as they live. */
export class Caching implements Workload {
  readonly name = 'caching';
  readonly #stage: Stage;
  readonly #readers: Map<string, Reader> = new Map();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  tasks(actor: Actor): readonly Task[] {
    const { client, node } = actor;
    const group = new GroupMembership(client, GROUP, { id: node.name.replace(' ', '-') });
    const reader: Reader = { actor, life: node.life, cache: new Cache(client, PATH), group, members: '' };
    this.#readers.set(node.name, reader);
    for (const stream of [this.#follow(reader), this.#belong(reader)]) {
      stream.catch((error: Error) => {
        if (!isZooKeeperError(error, 'closed')) this.#stage.world.fail(error);
      });
    }
    return [
      { name: `${this.name}: a change`, thinkMs: 500, step: () => this.#change(actor) },
      { name: `${this.name}: a snapshot`, thinkMs: 500, step: () => this.#compare(reader) },
    ];
  }

  /** What they show when nothing changes any more is what is there. */
  isUnsettled(): string | null {
    const living = [...this.#readers.values()].filter(({ actor: { node }, life }) => node.isUp && node.life === life);
    const wanted = living.map(({ actor }) => actor.node.name.replace(' ', '-'));
    const there = this.#textAt(PATH, Number.MAX_SAFE_INTEGER).join();
    for (const { actor, cache, members } of living) {
      const shown = [...cache.entries()].map(({ path, stat }) => `${path} ${stat.mzxid}`);
      if (shown.sort().join() !== there) return `${actor.node.name} shows ${shown.sort()}, there is ${there}`;
      if (members !== wanted.sort().join())
        return `${actor.node.name} knows the members ${members}, there are ${wanted}`;
    }
    return null;
  }

  /** Each znode only ever moves forward in time. */
  async #follow({ cache, actor }: Reader): Promise<void> {
    const newest: Map<string, number> = new Map();
    await untilDone(() => cache.start());
    for await (const { path, node } of cache.changes()) {
      this.#stage.counts.states++;
      if (node === null) continue;
      law(node.stat.mzxid >= (newest.get(path) ?? 0), 'caches', () => {
        return `${actor.node.name} is shown ${path} as of ${zxidText(node.stat.mzxid)}, behind ${zxidText(newest.get(path) ?? 0)}`;
      });
      newest.set(path, node.stat.mzxid);
    }
  }

  async #belong(reader: Reader): Promise<void> {
    await untilDone(() => reader.group.join());
    // Its first reading may fail, as any request.
    await untilDone(async () => {
      for await (const members of reader.group.watch()) {
        reader.members = members
          .map(({ id }) => id)
          .sort()
          .join();
      }
    });
  }

  /** A snapshot is the tree at one moment, which is that of the last answer or, where events have told more, a later one. */
  async #compare({ cache, actor }: Reader): Promise<void> {
    const snapshot = await cache.snapshot({ timeoutMs: 5000 });
    const { lastZxid } = actor.client;
    const shown = [...snapshot.values()].map(({ path, stat }) => `${path} ${stat.mzxid}`).sort();
    const text = shown.join();
    const moments = [lastZxid, ...this.#stage.committedAfter(lastZxid)];
    law(
      moments.some((zxid) => this.#textAt(PATH, zxid).join() === text),
      'caches',
      () => {
        return `${actor.node.name} has a snapshot with ${shown}; at ${zxidText(lastZxid)} there was ${this.#textAt(PATH, lastZxid)}`;
      },
    );
  }

  #textAt(path: string, zxid: number): string[] {
    const { tree } = this.#stage.oracle;
    const znode = tree.at(path, zxid);
    if (znode === null) return [];
    const below = [...tree.childrenAt(path, zxid)].flatMap((name) => this.#textAt(`${path}/${name}`, zxid));
    return [`${path} ${znode.mzxid}`, ...below].sort();
  }

  async #change({ client, random }: Actor): Promise<void> {
    const child = `${PATH}/${random.below(3)}`;
    const path = random.pick([PATH, child, child, `${child}/${random.below(2)}`]);
    try {
      switch (random.below(4)) {
        case 0:
          await client.delete(path);
          return;
        case 1:
          await client.setData(path, `${random.next()}`);
          return;
        default:
          await client.create(path, null, { mode: path === PATH || random.below(3) > 0 ? 'persistent' : 'ephemeral' });
      }
    } catch (error) {
      if (!isZooKeeperError(error, 'noNode', 'nodeExists', 'notEmpty', 'noChildrenForEphemerals')) throw error;
    }
  }
}

async function untilDone(ask: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (!isZooKeeperError(error, 'connectionLoss', 'sessionExpired', 'requestTimeout')) throw error;
    }
  }
}

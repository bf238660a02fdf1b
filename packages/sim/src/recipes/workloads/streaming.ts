import { type Client, isZooKeeperError, watchChildren, watchData } from '@headkeeper/client';
import { law, zxidText } from '../../check/violation.ts';
import type { Actor, Stage, Task, Workload } from '../workload.ts';

const PATH = '/streaming';

interface Reader {
  readonly actor: Actor;
  readonly life: number;
  /** What its stream of data has shown last; undefined: nothing yet. */
  data: { readonly mzxid: number; readonly version: number } | null | undefined;
  names: string | null | undefined;
  /** A state that was shown is not older than one that was shown before. */
  newestData: number;
  newestNames: number;
  /** The children, as seen by the last look behind an event. */
  below: string | undefined;
}

/** The bare client's streams: what they show never goes back, and ends with what is. */
export class Streaming implements Workload {
  readonly name = 'streaming';
  readonly #stage: Stage;
  readonly #readers: Map<string, Reader> = new Map();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  tasks(actor: Actor): readonly Task[] {
    const reader: Reader = {
      actor,
      life: actor.node.life,
      data: undefined,
      names: undefined,
      newestData: 0,
      newestNames: 0,
      below: undefined,
    };
    this.#readers.set(actor.node.name, reader);
    const streams = [this.#readData(reader), this.#readNames(reader), this.#readEvents(reader)];
    for (const stream of streams) {
      stream.catch((error: Error) => {
        if (!isZooKeeperError(error, 'closed')) this.#stage.world.fail(error);
      });
    }
    return [{ name: this.name, thinkMs: 700, step: () => this.#change(actor) }];
  }

  isUnsettled(): string | null {
    const { tree } = this.#stage.oracle;
    const znode = tree.latest(PATH);
    const names = znode === null ? null : namesText(tree.childrenAt(PATH, Number.MAX_SAFE_INTEGER));
    for (const { actor, life, data, names: shown, below } of this.#readers.values()) {
      const { node } = actor;
      if (!node.isUp || node.life !== life) continue;
      const isCurrent = znode === null ? data === null : data?.mzxid === znode.mzxid;
      if (!isCurrent)
        return `${node.name} shows data of ${zxidText(data?.mzxid ?? 0)}, ${zxidText(znode?.mzxid ?? 0)} is there`;
      if (shown !== names) return `${node.name} shows the children ${shown}, those are ${names}`;
      if (below !== (names ?? ''))
        return `${node.name} has looked at ${below} behind the last event, there are ${names}`;
    }
    return null;
  }

  async #readData(reader: Reader): Promise<void> {
    const { counts } = this.#stage;
    for await (const state of watchData(reader.actor.client, PATH)) {
      counts.states++;
      if (state !== null) {
        const { mzxid } = state.stat;
        law(mzxid >= reader.newestData, 'streams', () => {
          return `${reader.actor.node.name} sees data of ${zxidText(mzxid)} behind that of ${zxidText(reader.newestData)}`;
        });
        reader.newestData = mzxid;
      }
      reader.data = state === null ? null : { mzxid: state.stat.mzxid, version: state.stat.version };
    }
  }

  async #readNames(reader: Reader): Promise<void> {
    const { counts } = this.#stage;
    for await (const state of watchChildren(reader.actor.client, PATH)) {
      counts.states++;
      if (state !== null) {
        const { pzxid } = state.stat;
        law(pzxid >= reader.newestNames, 'streams', () => {
          return `${reader.actor.node.name} sees children of ${zxidText(pzxid)} behind those of ${zxidText(reader.newestNames)}`;
        });
        reader.newestNames = pzxid;
      }
      reader.names = state === null ? null : namesText(state.children);
    }
  }

  /** Whoever looks again behind each event knows what is there. */
  async #readEvents(reader: Reader): Promise<void> {
    const { client } = reader.actor;
    let isStale = true;
    let wake: () => void = () => {};
    await untilDone(() =>
      client.addWatch(PATH, 'recursive', ({ type }) => {
        this.#stage.counts.watchEvents++;
        isStale ||= type !== 'closed';
        wake();
      }),
    );
    for (;;) {
      if (!isStale) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      isStale = false;
      reader.below = await untilDone(() => look(client));
    }
  }

  async #change({ client, random }: Actor): Promise<void> {
    const child = `${PATH}/${random.below(3)}`;
    try {
      switch (random.below(6)) {
        case 0:
          await client.create(PATH, 'new');
          return;
        case 1:
          await client.delete(PATH);
          return;
        case 2:
          await client.create(child, null, { mode: random.below(2) === 0 ? 'persistent' : 'ephemeral' });
          return;
        case 3:
          await client.delete(child);
          return;
        default:
          await client.setData(PATH, `${random.next()}`);
      }
    } catch (error) {
      if (!isZooKeeperError(error, 'noNode', 'nodeExists', 'notEmpty')) throw error;
    }
  }
}

async function look(client: Client): Promise<string> {
  try {
    return namesText((await client.getChildren(PATH)).children);
  } catch (error) {
    if (isZooKeeperError(error, 'noNode')) return '';
    throw error;
  }
}

/** Asks again while the connection, the session or the servers' speed is to blame. */
async function untilDone<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isZooKeeperError(error, 'connectionLoss', 'sessionExpired', 'requestTimeout')) throw error;
    }
  }
}

function namesText(names: Iterable<string>): string {
  return [...names].sort().join();
}

import { type Acl, type CallOptions, type Client, type DataInput, isZooKeeperError } from '@headkeeper/client';
import { ensureThere, isDoubtful, passesInSession } from '../passing.ts';
import { Wait } from '../wait.ts';
import { childPath, nameOf } from '../znode-name.ts';
import type { Layout } from './contenders.ts';

/** What to create for a client that wants something. */
export interface PlaceSpec {
  readonly directory: string;
  /** What its name begins with, and nobody else's; with `ephemeral` the whole name. */
  readonly prefix: string;
  readonly mode: 'ephemeral' | 'ephemeralSequential';
  readonly data: DataInput;
  readonly acl: readonly Acl[] | undefined;
  /** The directory is made, if it is missing, the way this one does it: Curator's goes when it is empty, kazoo's stays. */
  readonly layout: Layout;
  /** Hears when a wish was given up while its znode may be there: it is being removed. */
  readonly onTraces?: (removal: Promise<void>) => void;
}

/** An ephemeral znode that stands for a client's wish, or for what it holds. */
export class Place {
  readonly directory: string;
  readonly name: string;
  /** The session it lives with. */
  readonly session: bigint;
  /** Its zxid of creation: whoever comes later has a higher one. */
  readonly token: number;
  readonly #client: Client;
  #removal: Promise<void> | null = null;

  constructor(client: Client, directory: string, name: string, session: bigint, token: number) {
    this.#client = client;
    this.directory = directory;
    this.name = name;
    this.session = session;
    this.token = token;
  }

  get path(): string {
    return childPath(this.directory, this.name);
  }

  /**
   * Resolves when the znode is gone: deleted, or with its session or client. Lost connections are waited out.
   *
   * @throws ZooKeeperError when the servers do not allow it, such as noAuth.
   */
  remove(): Promise<void> {
    this.#removal ??= untilDone(this.#client, this.path, this.session, (options) =>
      this.#client.delete(this.path, options),
    );
    return this.#removal;
  }
}

/**
 * Creates the znode, once: after a connection loss it is looked for by its prefix before it is created again. When the wait
 * is given up while it may have been created, it is removed in the background. A session that ends means another try in
 * the next one.
 */
export async function takePlace(client: Client, spec: PlaceSpec, wait: Wait): Promise<Place> {
  for (;;) {
    const place = await takePlaceIn(client, spec, await wait.session(), wait);
    if (place !== null) return place;
  }
}

/** The same in one session alone; null: it has ended. */
export async function takePlaceIn(client: Client, spec: PlaceSpec, session: bigint, wait: Wait): Promise<Place | null> {
  const { directory, prefix, mode, data, acl, layout } = spec;
  const options = { session, signal: wait.signal };
  const create = { ...options, ...(acl === undefined ? {} : { acl }), mode };
  let isInDoubt = false;
  try {
    for (;;) {
      try {
        if (isInDoubt) {
          const place = await findPlace(client, spec, options);
          if (place !== null) return place;
          isInDoubt = false;
        }
        const { path, stat } = await client.create(childPath(directory, prefix), data, create);
        return new Place(client, directory, nameOf(path), session, stat.czxid);
      } catch (error) {
        isInDoubt ||= isDoubtful(error);
        if (isZooKeeperError(error, 'noNode')) await ensureDirectory(client, directory, layout, options);
        // Somebody of this session has it already: an earlier attempt of ours.
        else if (isZooKeeperError(error, 'nodeExists') && mode === 'ephemeral') isInDoubt = true;
        else await wait.afterFailure(error);
      }
    }
  } catch (error) {
    const removal = isInDoubt ? removeTraces(client, spec, session) : null;
    if (removal !== null) spec.onTraces?.(removal);
    if (isZooKeeperError(error, 'sessionExpired')) return null;
    throw error;
  }
}

/** Makes sure of a directory for a layout, or returns when that has failed for now. @throws ZooKeeperError */
export async function ensureDirectory(
  client: Client,
  directory: string,
  layout: Layout,
  options: CallOptions,
): Promise<void> {
  try {
    const mode = layout === 'curator' ? 'container' : 'persistent';
    await ensureThere(client, directory, undefined, { ...options, mode });
  } catch (error) {
    if (!passesInSession(error)) throw error;
  }
}

async function findPlace(
  client: Client,
  spec: PlaceSpec,
  options: CallOptions & { readonly session: bigint },
): Promise<Place | null> {
  const { directory, prefix } = spec;
  // Another server than the one that was asked to create it may not have heard of it yet.
  await client.sync(directory, options);
  const { children } = await client.getChildren(directory, options);
  const name = children.find((child) => child.startsWith(prefix));
  if (name === undefined) return null;
  const stat = await client.exists(childPath(directory, name), options);
  if (stat === null || stat.ephemeralOwner !== options.session) return null;
  return new Place(client, directory, name, options.session, stat.czxid);
}

/** For a wish that was given up while nobody knows whether its znode is there. */
async function removeTraces(client: Client, spec: PlaceSpec, session: bigint): Promise<void> {
  await untilDone(client, spec.directory, session, async (options) => {
    const place = await findPlace(client, spec, { ...options, session });
    await place?.remove();
  }).catch(() => {});
}

/** Tries until it is done, or the session or the client has ended and the znode with it. */
async function untilDone(
  client: Client,
  path: string,
  session: bigint,
  attempt: (options: CallOptions) => Promise<void>,
): Promise<void> {
  const wait = new Wait(client, 'remove', path, {});
  for (;;) {
    try {
      await attempt({ session });
      return;
    } catch (error) {
      if (isZooKeeperError(error, 'noNode', 'sessionExpired', 'closed', 'authFailed')) return;
      await wait.afterFailure(error);
    }
  }
}

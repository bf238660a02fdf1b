import {
  type Acl,
  CreateMode,
  ErrorCode,
  encodeUtf8,
  type MultiOperation,
  OpCode,
  opNameOf,
  type Stat,
} from '@headkeeper/protocol';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { RequestError } from './request-error.ts';
import type { ServerList } from './server-list.ts';
import { ConnectionLost, Session } from './session.ts';

const SESSION_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 10_000;
const ANY_VERSION = -1;

/** An identity to add to a session, as `addauth` of ZooKeeper's shell takes it. */
export interface Credentials {
  readonly scheme: string;
  /** Such as `user:password` of the scheme digest. */
  readonly auth: string;
}

export interface ZnodeData {
  readonly data: Uint8Array | null;
  readonly stat: Stat;
}

/**
 * A session for commands, with znodes named as below the connect string's chroot. Whatever goes wrong is a RequestError
 * that names the znode, or ConnectionLost.
 */
export class ZnodeClient {
  readonly #session: Session;
  readonly #chroot: string;

  private constructor(session: Session, chroot: string) {
    this.#session = session;
    this.#chroot = chroot;
  }

  /**
   * Opens a session with the first server that gives one, in random order, and adds the identities to it.
   *
   * @throws CommandError that tells what each server said, or that an identity was refused.
   */
  static async open(servers: ServerList, identities: readonly Credentials[]): Promise<ZnodeClient> {
    const troubles: string[] = [];
    for (const address of shuffled(servers.addresses)) {
      let session: Session;
      try {
        session = await Session.open(address, Math.min(SESSION_TIMEOUT_MS, CONNECT_TIMEOUT_MS));
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        troubles.push(error.message);
        continue;
      }
      const client = new ZnodeClient(session, servers.chroot);
      await client.#authenticate(identities);
      return client;
    }
    throw new CommandError(`no server gives a session: ${troubles.join('; ')}`);
  }

  async #authenticate(identities: readonly Credentials[]): Promise<void> {
    for (const { scheme, auth } of identities) {
      try {
        await this.#session.request('auth', { type: 0, scheme, auth: encodeUtf8(auth) }, null);
      } catch (error) {
        // A server answers and closes the connection; either may be seen first.
        throw new CommandError(
          `the identity of scheme "${scheme}" was refused: ${(error as Error).message}`,
          ExitCode.usage,
        );
      }
    }
  }

  /** The znode's data and stat; null when it does not exist. */
  async getData(path: string): Promise<ZnodeData | null> {
    return orNull(this.#session.request('getData', { path: this.#full(path), watch: false }, path));
  }

  async exists(path: string): Promise<Stat | null> {
    return orNull(this.#session.request('exists', { path: this.#full(path), watch: false }, path).then((r) => r.stat));
  }

  /** The znode's access control list; null when it does not exist. */
  async getAcl(path: string): Promise<{ readonly acl: readonly Acl[]; readonly stat: Stat } | null> {
    const answer = await orNull(this.#session.request('getACL', { path: this.#full(path) }, path));
    return answer === null ? null : { acl: answer.acl ?? [], stat: answer.stat };
  }

  /** The names of the children; null when the znode does not exist. */
  async getChildren(path: string): Promise<readonly string[] | null> {
    const request = { path: this.#full(path), watch: false };
    const answer = await orNull(this.#session.request('getChildren', request, path));
    return answer === null ? null : ((answer.children ?? []) as readonly string[]);
  }

  async create(path: string, data: Uint8Array | null, acl: readonly Acl[]): Promise<void> {
    const body = { path: this.#full(path), data, acl, flags: CreateMode.persistent };
    await this.#session.request('create', body, path);
  }

  async setData(path: string, data: Uint8Array | null, version: number = ANY_VERSION): Promise<Stat> {
    return (await this.#session.request('setData', { path: this.#full(path), data, version }, path)).stat;
  }

  async delete(path: string, version: number = ANY_VERSION): Promise<void> {
    await this.#session.request('delete', { path: this.#full(path), version }, path);
  }

  /** @param version the version of the list that the znode must have. */
  async setAcl(path: string, acl: readonly Acl[], version: number = ANY_VERSION): Promise<Stat> {
    return (await this.#session.request('setACL', { path: this.#full(path), acl, version }, path)).stat;
  }

  /**
   * Carries out all of the operations or none.
   *
   * @throws RequestError that names the first operation that failed.
   */
  async multi(operations: readonly MultiOperation[]): Promise<void> {
    const ops = operations.map(
      (operation) =>
        ({ ...operation, body: { ...operation.body, path: this.#full(operation.body.path ?? '') } }) as MultiOperation,
    );
    const { results } = await this.#session.request('multi', { ops }, null);
    const failures = results.map((result) => (result.type === OpCode.error ? result.body.err : ErrorCode.ok));
    const cause = failures.findIndex((error) => !NOT_THE_CAUSE.includes(error));
    const index = cause < 0 ? failures.indexOf(ErrorCode.runtimeInconsistency) : cause;
    const operation = operations[index];
    if (operation !== undefined) {
      const name = opNameOf(operation.type) ?? 'multi';
      throw new RequestError(failures[index] as number, name, operation.body.path, index);
    }
  }

  /** Makes sure that what is read next is as new as anything that was acknowledged before this call. */
  async sync(path: string): Promise<void> {
    await this.#session.request('sync', { path: this.#full(path) }, path);
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  #full(path: string): string {
    if (this.#chroot === '') return path;
    return path === '/' ? this.#chroot : `${this.#chroot}${path}`;
  }
}

/** What servers answer for the operations beside the one that failed. */
const NOT_THE_CAUSE: readonly number[] = [ErrorCode.ok, ErrorCode.runtimeInconsistency];

async function orNull<T>(request: Promise<T>): Promise<T | null> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof RequestError && error.code === ErrorCode.noNode) return null;
    throw error;
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

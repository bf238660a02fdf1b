import {
  type Create2Response,
  ErrorCode,
  type MultiOperation,
  type MultiResponse,
  OpCode,
  type PathResponse,
  type StatResponse,
  CreateMode as WireCreateMode,
} from '@headkeeper/protocol';
import type { CallOptions } from './core/call-options.ts';
import { errorCodeOf, TransactionError } from './core/errors.ts';
import { aclFault, createFault, dataFault, pathFault, refuse, versionFault } from './core/faults.ts';
import { type Acl, bytesOf, type CreateMode, type DataInput, OPEN_ACL, type Stat, ttlFlags } from './core/znode.ts';

const ANY_VERSION = -1;
const OPERATION_BYTES = 64;

/** What a create in a transaction gives. */
export interface TransactionCreated {
  readonly path: string;
  /** null from servers before 3.8.2, which do not tell it. */
  readonly stat: Stat | null;
}

/** @internal How a transaction reaches its client. */
export interface TransactionDoor {
  whole(path: string): string;
  below(serverPath: string): string;
  send(ops: readonly MultiOperation[], bytes: number, options: CallOptions): Promise<MultiResponse>;
}

/** @internal */
interface Step {
  readonly name: string;
  readonly path: string;
  readonly operation: MultiOperation;
}

/**
 * Changes that are made all or not at all, at one zxid, each seeing those before it. The type of what `commit` gives
 * follows from the operations:
 *
 * ```ts
 * const [created, stat] = await zk.transaction().create('/a', 'x').setData('/b', 'y', { version: 3 }).commit();
 * ```
 *
 * A transaction is a value: each operation gives a new one.
 */
export class Transaction<Results extends readonly unknown[]> {
  readonly #steps: readonly Step[];
  readonly #door: TransactionDoor;

  /** @internal Use `Client.transaction`. */
  constructor(steps: readonly Step[], door: TransactionDoor) {
    this.#steps = steps;
    this.#door = door;
  }

  /** How many operations there are. */
  get size(): number {
    return this.#steps.length;
  }

  /** @throws ZooKeeperError invalidArgument. */
  create(
    path: string,
    data: DataInput = null,
    options: { readonly mode?: CreateMode; readonly acl?: readonly Acl[]; readonly ttlMs?: number } = {},
  ): Transaction<readonly [...Results, TransactionCreated]> {
    const { mode = 'persistent', acl = OPEN_ACL, ttlMs } = options;
    refuse('create', path, createFault(path, mode, ttlMs) ?? dataFault(data) ?? aclFault(acl));
    const body = { path: this.#door.whole(path), data: bytesOf(data), acl, flags: WireCreateMode[mode] };
    if (ttlMs !== undefined) {
      const timed = { ...body, flags: ttlFlags(mode), ttl: ttlMs };
      return this.#and({ name: 'create', path, operation: { type: OpCode.createTTL, body: timed } });
    }
    const type = mode === 'container' ? OpCode.createContainer : OpCode.create2;
    return this.#and({ name: 'create', path, operation: { type, body } });
  }

  /** @throws ZooKeeperError invalidArgument. */
  delete(path: string, options: { readonly version?: number } = {}): Transaction<readonly [...Results, null]> {
    const body = this.#versioned('delete', path, options.version);
    return this.#and({ name: 'delete', path, operation: { type: OpCode.delete, body } });
  }

  /** @throws ZooKeeperError invalidArgument. */
  setData(
    path: string,
    data: DataInput,
    options: { readonly version?: number } = {},
  ): Transaction<readonly [...Results, Stat]> {
    refuse('setData', path, dataFault(data));
    const body = { ...this.#versioned('setData', path, options.version), data: bytesOf(data) };
    return this.#and({ name: 'setData', path, operation: { type: OpCode.setData, body } });
  }

  /** Lets the transaction fail unless the znode is there, in this version if one is given. */
  check(path: string, options: { readonly version?: number } = {}): Transaction<readonly [...Results, null]> {
    const body = this.#versioned('check', path, options.version);
    return this.#and({ name: 'check', path, operation: { type: OpCode.check, body } });
  }

  /**
   * Makes the changes.
   *
   * @throws TransactionError with the position of the operation that failed; ZooKeeperError for the request as a whole.
   */
  async commit(options: CallOptions = {}): Promise<Results> {
    let bytes = 0;
    for (const { operation } of this.#steps) {
      bytes += OPERATION_BYTES + ('data' in operation.body ? (operation.body.data?.length ?? 0) : 0);
    }
    const operations = this.#steps.map(({ operation }) => operation);
    const { results } = await this.#door.send(operations, bytes, options);
    const failed = results.findIndex(
      (result) =>
        result.type === OpCode.error &&
        result.body.err !== ErrorCode.ok &&
        result.body.err !== ErrorCode.runtimeInconsistency,
    );
    const last = failed < 0 ? results.findIndex((result) => result.type === OpCode.error) : failed;
    if (last >= 0) throw this.#failure(results, last);
    return results.map((result) => this.#resultOf(result.type, result.body)) as unknown as Results;
  }

  #failure(results: MultiResponse['results'], index: number): TransactionError {
    const body = results[index]?.body as { readonly err: number };
    const step = this.#steps[index];
    return new TransactionError(
      {
        code: errorCodeOf(body.err),
        operation: 'transaction',
        path: step?.path ?? null,
        outcome: 'not applied',
        detail: `operation ${index + 1} of ${this.#steps.length}, ${step?.name}`,
      },
      index,
    );
  }

  #resultOf(type: number, body: unknown): unknown {
    switch (type) {
      case OpCode.create:
        return { path: this.#door.below((body as PathResponse).path ?? ''), stat: null };
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL: {
        const { path, stat } = body as Create2Response;
        return { path: this.#door.below(path ?? ''), stat };
      }
      case OpCode.setData:
        return (body as StatResponse).stat;
      default:
        return null;
    }
  }

  #and<Result>(step: Step): Transaction<readonly [...Results, Result]> {
    return new Transaction([...this.#steps, step], this.#door);
  }

  #versioned(operation: string, path: string, version: number = ANY_VERSION): { path: string; version: number } {
    refuse(operation, path, pathFault(path) ?? versionFault(version));
    return { path: this.#door.whole(path), version };
  }
}

import {
  type GetChildrenResponse,
  type GetDataResponse,
  type MultiOperation,
  type MultiResponse,
  OpCode,
} from '@headkeeper/protocol';
import type { CallOptions } from './core/call-options.ts';
import { errorCodeOf, ZooKeeperError } from './core/errors.ts';
import { pathFault, refuse } from './core/faults.ts';
import type { Znode } from './core/znode.ts';

/** @internal How a multiRead reaches its client. */
export interface MultiReadDoor {
  whole(path: string): string;
  send(ops: readonly MultiOperation[], options: CallOptions): Promise<MultiResponse>;
}

/** @internal */
interface Step {
  readonly path: string;
  readonly operation: MultiOperation;
}

/** Several reads in one request; the type of what `run` gives follows from them. Each may be an error instead. */
export class MultiRead<Results extends readonly unknown[]> {
  readonly #steps: readonly Step[];
  readonly #door: MultiReadDoor;

  /** @internal Use `Client.multiRead`. */
  constructor(steps: readonly Step[], door: MultiReadDoor) {
    this.#steps = steps;
    this.#door = door;
  }

  /** @throws ZooKeeperError invalidArgument. */
  getData(path: string): MultiRead<readonly [...Results, Znode | ZooKeeperError]> {
    return this.#and(path, OpCode.getData);
  }

  /** Names of children. @throws ZooKeeperError invalidArgument. */
  getChildren(path: string): MultiRead<readonly [...Results, readonly string[] | ZooKeeperError]> {
    return this.#and(path, OpCode.getChildren);
  }

  /** @throws ZooKeeperError for the request as a whole. */
  async run(options: CallOptions = {}): Promise<Results> {
    const operations = this.#steps.map(({ operation }) => operation);
    const { results } = await this.#door.send(operations, options);
    return results.map((result, i) =>
      resultOf(result.type, result.body, this.#steps[i]?.path ?? null),
    ) as unknown as Results;
  }

  #and<Result>(
    path: string,
    type: typeof OpCode.getData | typeof OpCode.getChildren,
  ): MultiRead<readonly [...Results, Result]> {
    refuse('multiRead', path, pathFault(path));
    const operation = { type, body: { path: this.#door.whole(path), watch: false } };
    return new MultiRead([...this.#steps, { path, operation }], this.#door);
  }
}

function resultOf(type: number, body: unknown, path: string | null): unknown {
  if (type === OpCode.getData) {
    const { data, stat } = body as GetDataResponse;
    return { data: data === null ? null : data.slice(), stat };
  }
  if (type === OpCode.getChildren) return (body as GetChildrenResponse).children ?? [];
  const code = errorCodeOf((body as { readonly err: number }).err);
  return new ZooKeeperError({ code, operation: 'multiRead', path, outcome: 'not applied' });
}

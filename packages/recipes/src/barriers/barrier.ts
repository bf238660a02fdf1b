import { type Client, ensurePath, isZooKeeperError } from '@headkeeper/client';
import { checkRecipe } from '../checked.ts';
import { untilGone } from '../line/ear.ts';
import { bounded, type WaitOptions } from '../wait.ts';

/**
 * A gate that everybody waits at while it is closed: closed is when its znode is there.
 *
 * - The znode is PATH itself, persistent: the gate stays closed when whoever closed it is gone.
 * - Connection loss: those who wait go on when the connection is back; `close` and `open` can be repeated. A session that ends
 *   makes no difference.
 * - The same barrier as Curator's `DistributedBarrier` and kazoo's `Barrier`.
 */
export class Barrier {
  readonly path: string;
  readonly #client: Client;

  constructor(client: Client, path: string) {
    checkRecipe('Barrier', client, path);
    this.path = path;
    this.#client = client;
  }

  /** From now on all wait who come. Nothing happens if it is closed already. @throws ZooKeeperError */
  close(options: WaitOptions = {}): Promise<void> {
    return this.#untilDone('close', options, (signal) => ensurePath(this.#client, this.path, { signal }));
  }

  /** Lets all go who wait. Nothing happens if it is open already. @throws ZooKeeperError */
  open(options: WaitOptions = {}): Promise<void> {
    return this.#untilDone('open', options, async (signal) => {
      try {
        await this.#client.delete(this.path, { signal });
      } catch (error) {
        if (!isZooKeeperError(error, 'noNode')) throw error;
      }
    });
  }

  /** Returns as soon as it is open. @throws ZooKeeperError aborted, requestTimeout (`timeoutMs`), closed, noAuth. */
  wait(options: WaitOptions = {}): Promise<void> {
    return bounded(this.#client, 'wait', this.path, options, (wait) => untilGone(this.#client, this.path, wait));
  }

  #untilDone(operation: string, options: WaitOptions, attempt: (signal: AbortSignal) => Promise<void>): Promise<void> {
    return bounded(this.#client, operation, this.path, options, async (wait) => {
      for (;;) {
        try {
          await attempt(wait.signal);
          return;
        } catch (error) {
          await wait.afterFailure(error);
        }
      }
    });
  }
}

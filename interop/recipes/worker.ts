/**
 * Processes that take part in recipes, one program for each language (workers/). They take commands on standard input:
 *
 *   turns KIND PATH COUNTER HOLD_MS   takes turn after turn until `stop`: KIND is lock, kazoo-lock (with kazoo's own names, not in
 *                                     Java), latch or selector; in each turn it adds 1 to
 *                                     the number in the znode COUNTER without asking for a version
 *   stop                              ends that after the next turn
 *   share KIND LAYOUT PATH WHAT HOLD_MS   holds what several may hold, again and again until `stop`: KIND is read-write, where
 *                                     it writes and reads by turns and WHAT is the COUNTER, or semaphore, with WHAT leases;
 *                                     LAYOUT is whose names are used (TypeScript only)
 *   enter PATH MEMBERS, leave         one use of a double barrier
 *   count PATH                        adds 1 to a counter of 32 bits, again and again until `stop`
 *   exchange PATH                     puts an item into a queue and takes one, again and again until `stop`
 *   exchange-items PATH               the same with Curator's DistributedQueue (not in Python); idle PATH: nothing (not in TypeScript)
 *   exchange-names PATH, exchange-times PATH   the same with DistributedIdQueue, where every third item is removed by its name,
 *                                     and with DistributedDelayQueue (not in Python)
 *   exchange-kazoo PATH, exchange-locking PATH   the same with kazoo's own Queue, and with its LockingQueue (not in Java)
 *   join KIND PATH NAME, part         is a member, until then: KIND is service (not in Python), party or shallow (not in Java)
 *   look KIND PATH                    who is a member now
 *   pass PATH TIMES                   holds a lock so many times, for no time at all (not in Python)
 *
 * and say on standard output, one a line, times in nanoseconds of the machine's monotonic clock:
 *
 *   ready SESSION                     it has a session
 *   enter NS TOKEN, leave NS BEFORE   one turn, its fencing token, and the number it found
 *   hold NS, held NS FIRST LAST       one read under a read lock, with the numbers it found at its beginning and end; or the
 *                                     use of a lease, with twice 0
 *   coming NS, in NS, leaving NS, out NS   the use of the barrier
 *   counting, counted AFTER           one use of the counter
 *   putting ITEM, put ITEM, taking, took ITEM   one use of the queue; the ITEM taken may be `nothing`
 *   took ITEM MS                      with times in the items: when it was taken, milliseconds since 1970
 *   has ITEM                          it has locked it, and has not yet removed it
 *   removing ITEM, kept ITEM          its removal by name, too late; `took` when it was not too late
 *   joined, parted, sees MEMBER...    what was asked for
 *   passed NS...                      when it had the lock
 *   stopped                           no more turns
 *   lost NS                           the session may have ended
 *   failed WHY                        a command has failed
 *
 * What is said is written before anything else is done, so that it survives a SIGKILL.
 */

import { join } from 'node:path';
import { installCurator } from '../peers/curator.ts';
import { installKazoo } from '../peers/kazoo.ts';
import { type Language, LineProcess, type Program } from '../peers/line-process.ts';
import { repositoryRoot } from '../peers/peer-cache.ts';

/** A line that a worker said. */
export interface Said {
  readonly worker: Worker;
  readonly what: string;
  readonly words: readonly string[];
}

const PATIENCE_MS = 60_000;
const ENDS_WITHIN_MS = 5_000;
const workers = join(repositoryRoot, 'interop/recipes/workers');

export interface WorkerOptions {
  readonly language: Language;
  /** host:port of the server. */
  readonly address: string;
  readonly sessionTimeoutMs: number;
  /** Hears everything it says, in order. */
  readonly heard: (said: Said) => void;
}

/** One process, from its start to its end or its death. */
export class Worker {
  readonly language: Language;
  /** Such as `java 4711`: the language and the process. */
  readonly name: string;
  /** Everything it said. */
  readonly said: Said[] = [];
  readonly #process: LineProcess;
  readonly #listeners: Set<() => void> = new Set();
  #isKilled = false;
  /** When it was surely dead, nanoseconds; null: it was not killed, or is not dead yet. */
  diedAt: bigint | null = null;

  private constructor(program: Program, options: WorkerOptions) {
    this.#process = new LineProcess(program, (line) => {
      const [what = '', ...words] = line.split(' ');
      const said = { worker: this, what, words };
      this.said.push(said);
      options.heard(said);
      this.#look();
    });
    this.language = options.language;
    this.name = `${options.language} ${this.#process.pid}`;
    this.#process.closed.then(() => this.#look());
  }

  /** Starts a process and waits for its session. */
  static async start(options: WorkerOptions): Promise<Worker> {
    const { argv, env } = await programOf(options.language);
    const worker = new Worker({ argv: [...argv, options.address, String(options.sessionTimeoutMs)], env }, options);
    await worker.hears('ready');
    return worker;
  }

  get session(): bigint {
    return BigInt(this.said.find(({ what }) => what === 'ready')?.words[0] ?? 0);
  }

  get isKilled(): boolean {
    return this.#isKilled;
  }

  send(command: string): void {
    this.#process.send(command);
  }

  /**
   * Waits until it says something, or has said it among the lines from `from` on; returns its first word.
   * @throws Error when it says that it has failed, ends, or takes too long
   */
  hears(what: string, from = 0): Promise<Said> {
    return new Promise((resolve, reject) => {
      const over = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
      };
      const fail = (why: string): void => {
        over();
        const last = this.said.at(-1);
        reject(
          new Error(
            `${this.name}: no '${what}': ${why}; its last word: ${last?.what} ${last?.words.join(' ')}\n${this.#process.errors}`,
          ),
        );
      };
      const look = (): void => {
        const found = this.said.slice(from).find((said) => said.what === what);
        if (found !== undefined) {
          over();
          resolve(found);
        } else if (this.said.slice(from).some((said) => said.what === 'failed')) fail('it has failed');
        else if (this.#process.isClosed) fail('it has ended');
      };
      const timer = setTimeout(() => fail(`not within ${PATIENCE_MS} ms`), PATIENCE_MS);
      this.#listeners.add(look);
      look();
    });
  }

  /** SIGKILL, and waits until it is dead and everything it said is heard. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    await this.#process.kill();
    this.diedAt = process.hrtime.bigint();
  }

  /** Lets it end by itself. */
  end(): Promise<void> {
    return this.#process.end(ENDS_WITHIN_MS);
  }

  #look(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Makes sure that everything the workers need is there. */
export async function installWorkers(): Promise<void> {
  await Promise.all([installCurator(), installKazoo()]);
}

async function programOf(language: Language): Promise<Program> {
  switch (language) {
    case 'typescript':
      return {
        argv: [process.execPath, join(repositoryRoot, 'interop/dist/recipes/workers/recipes-worker.js')],
        env: {},
      };
    case 'java': {
      const small = ['-Xmx128m', '-XX:+UseSerialGC'];
      return { argv: ['java', ...small, '-cp', await installCurator(), 'RecipesWorker'], env: {} };
    }
    case 'python': {
      const { python, source } = await installKazoo();
      return { argv: [python, '-B', join(workers, 'recipes_worker.py')], env: { PYTHONPATH: source } };
    }
  }
}

import {
  createNodeDisk,
  type FatalExit,
  type ServerConfig,
  type ServerLog,
  StartError,
} from '@headkeeper/server/embedding';
import { MemoryDisk } from '../disk/memory-disk.ts';
import type { DiskFault } from '../disk/server-disk.ts';
import type { Switchboard } from '../network/switchboard.ts';
import { TestingError } from '../testing-error.ts';
import type { TestTime } from '../time/test-time.ts';
import { Life } from './life.ts';

/** What a server for tests is doing. `failed`: it has ended by itself, for its disk for instance. */
export type ServerState = 'stopped' | 'running' | 'paused' | 'failed';

export interface NodeOptions {
  /** For messages. */
  readonly name: string;
  readonly config: ServerConfig;
  readonly inMemory: boolean;
  readonly time: TestTime;
  readonly switchboard: Switchboard | null;
  readonly log: ServerLog;
}

/** A server of a test with its disk, over as many lives as the test gives it. */
export class ServerNode {
  readonly name: string;
  readonly config: ServerConfig;
  readonly #options: NodeOptions;
  readonly #memory: MemoryDisk | null;
  #life: Life | null = null;
  #isPaused = false;
  #refuses = false;
  #failure: FatalExit | null = null;
  /** What is under way to end the life that there was. */
  #ending: Promise<void> = Promise.resolve();

  constructor(options: NodeOptions) {
    this.name = options.name;
    this.config = options.config;
    this.#options = options;
    this.#memory = options.inMemory ? new MemoryDisk() : null;
  }

  get state(): ServerState {
    if (this.#life !== null) return this.#isPaused ? 'paused' : 'running';
    return this.#failure === null ? 'stopped' : 'failed';
  }

  get failure(): FatalExit | null {
    return this.#failure;
  }

  /** The present life, or null. */
  get life(): Life | null {
    return this.#life;
  }

  /** Whether it takes clients: it runs, and in an ensemble it has a leader. */
  get isServing(): boolean {
    return this.state === 'running' && (this.#life as Life).server.replica.clients.areServed;
  }

  /** The present life of a server that runs and is not paused. */
  running(toDo: string): Life {
    if (this.#life === null) throw new TestingError(`${toDo}: ${this.name} does not run; restart() it first`);
    if (this.#isPaused) throw new TestingError(`${toDo}: ${this.name} is paused; resume() it first`);
    return this.#life;
  }

  async start(): Promise<void> {
    if (this.#life !== null) throw new TestingError(`${this.name} runs already; stop() or kill() it first`);
    await this.#ending;
    const { config, time, switchboard, log } = this.#options;
    this.#failure = null;
    try {
      const disk = this.#memory ?? createNodeDisk();
      const life = new Life({ config, disk, isReal: this.#memory === null, time, switchboard, log });
      this.#life = life;
      life.desk.refuses = this.#refuses;
      void life.failed.then((fatal) => this.#failed(life, fatal));
      await life.open();
    } catch (error) {
      await this.#end();
      if (!(error instanceof StartError)) throw error;
      throw new TestingError(`${this.name} does not start: ${error.message}`, error);
    }
  }

  async stop(): Promise<void> {
    const life = this.#life;
    if (life === null) return this.#ending;
    if (this.#isPaused) this.resume();
    this.#ending = life.stop();
    // The life is over for everybody else from now on, whatever the stop takes.
    this.#life = null;
    await this.#ending;
  }

  /** `power`: what the disk in memory was not told to keep is lost. */
  async kill(power: boolean): Promise<void> {
    await this.#end();
    if (power) this.#memory?.lose();
  }

  pause(): void {
    const life = this.running('pause()');
    this.#isPaused = true;
    life.pause();
  }

  resume(): void {
    if (this.#life === null) throw new TestingError(`resume(): ${this.name} does not run`);
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#life.resume();
  }

  refuse(refuses: boolean): void {
    this.#refuses = refuses;
    if (this.#life !== null) this.#life.desk.refuses = refuses;
  }

  fail(fault: DiskFault): void {
    this.running('failDisk()').disk.fail(fault);
  }

  #failed(life: Life, fatal: FatalExit): void {
    if (this.#life !== life) return;
    this.#failure = fatal;
    void this.#end();
  }

  #end(): Promise<void> {
    const life = this.#life;
    this.#life = null;
    this.#isPaused = false;
    if (life !== null) this.#ending = life.kill();
    return this.#ending;
  }
}

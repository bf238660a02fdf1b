import { type Client, isZooKeeperError } from '@headkeeper/client';
import { type ClientPorts, connectWith } from '@headkeeper/client/internal';
import type { RandomStream } from '@headkeeper/testkit';
import { Violation } from '../check/violation.ts';
import type { World } from '../world/world.ts';
import type { ClientNode } from './client-node.ts';
import type { RecipeCounts } from './recipe-counts.ts';
import type { Actor, Task, Workload } from './workload.ts';

export interface ProcessContext {
  readonly world: World;
  readonly counts: RecipeCounts;
  readonly connectString: string;
  readonly sessionTimeoutMs: number;
  /** Whether tasks are to end with the step that they are in. */
  isStopping(): boolean;
}

/** A task, as the law of liveness sees it. */
export interface Running {
  readonly name: string;
  /** When its step began; -1: it is between two. */
  since: number;
}

/** What may happen to any request. */
const PASSING = ['connectionLoss', 'sessionExpired', 'requestTimeout', 'aborted', 'closed'] as const;

/** One life of a client's program: connects, then does its tasks over and over. */
export class Process implements Actor {
  readonly node: ClientNode;
  readonly random: RandomStream;
  readonly #context: ProcessContext;
  readonly #ports: ClientPorts;
  readonly running: Set<Running> = new Set();
  #client: Client | null = null;
  #isClosing = false;

  constructor(node: ClientNode, ports: ClientPorts, context: ProcessContext) {
    this.node = node;
    this.random = node.random;
    this.#ports = ports;
    this.#context = context;
  }

  get client(): Client {
    return this.#client as Client;
  }

  /** The client, once there is one. */
  get connected(): Client | null {
    return this.#client;
  }

  readonly sleep = (ms: number): Promise<void> => {
    return new Promise((resolve) => void this.#ports.after(ms, resolve));
  };

  /** Connects and does all tasks of the workloads until they are to end. */
  work(workloads: readonly Workload[]): void {
    this.#guarded(async () => {
      await this.#connect();
      for (const workload of workloads) for (const task of workload.tasks(this)) this.#repeat(task);
    });
  }

  /** Connects and does this once. */
  once(name: string, action: () => Promise<void>): void {
    const entry: Running = { name, since: this.#context.world.now };
    this.running.add(entry);
    this.#guarded(async () => {
      await this.#connect();
      for (let isDone = false; !isDone; ) {
        try {
          await action();
          isDone = true;
        } catch (error) {
          if (!isPassing(error)) throw error;
        }
      }
      this.running.delete(entry);
    });
  }

  /** Closes the session; `done` is called in any case. */
  close(done: () => void): void {
    this.#isClosing = true;
    this.#guarded(async () => {
      await this.#client?.close();
      done();
    });
  }

  async #connect(): Promise<void> {
    const { connectString, sessionTimeoutMs, counts, world } = this.#context;
    const entry: Running = { name: 'connect', since: world.now };
    this.running.add(entry);
    const log = {
      debug: (facts: object, text: string) => world.tell(() => `${this.node.name}: ${text} ${textOf(facts)}`),
      info: (facts: object, text: string) => world.tell(() => `${this.node.name}: ${text} ${textOf(facts)}`),
      warn: (facts: object, text: string) => {
        world.tell(() => `${this.node.name} warns: ${text} ${textOf(facts)}`);
        const { error } = facts as { error?: unknown };
        if (error !== undefined) world.fail(asFailure(error));
      },
    };
    while (this.#client === null) {
      try {
        this.#client = await connectWith(this.#ports, connectString, { sessionTimeoutMs, log });
      } catch (error) {
        if (!isPassing(error)) throw error;
      }
    }
    this.running.delete(entry);
    this.#client.onEvent((event) => {
      world.tell(() => `${this.node.name} hears ${event.type}`);
      if (event.type === 'connected') counts.reconnects++;
    });
  }

  #repeat(task: Task): void {
    const entry: Running = { name: task.name, since: -1 };
    this.running.add(entry);
    const { counts, world, isStopping } = this.#context;
    this.#guarded(async () => {
      while (!isStopping()) {
        await this.sleep(this.random.wait(task.thinkMs));
        if (isStopping() || this.#isClosing) break;
        entry.since = world.now;
        try {
          await task.step();
        } catch (error) {
          if (!isPassing(error)) throw error;
          counts.refusals++;
          world.tell(() => `${this.node.name}: ${task.name} fails: ${(error as Error).message}`);
        }
        counts.steps++;
        entry.since = -1;
      }
      this.running.delete(entry);
    });
  }

  #guarded(action: () => Promise<void>): void {
    action().catch((error) => this.#context.world.fail(asFailure(error)));
  }
}

/** What a correct recipe may be told by a server, or by its caller. */
function isPassing(error: unknown): boolean {
  return isZooKeeperError(error, ...PASSING) || (error instanceof Error && error.name === 'HoldLostError');
}

function asFailure(error: unknown): Violation {
  if (error instanceof Violation) return error;
  return new Violation(
    'crash',
    'unexpected error',
    error instanceof Error ? (error.stack ?? error.message) : String(error),
  );
}

function textOf(facts: object): string {
  return JSON.stringify(facts, (_key, value) => (typeof value === 'bigint' ? value.toString(16) : value));
}

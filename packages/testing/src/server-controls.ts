import type { DiskFault } from './disk/server-disk.ts';
import { HOST } from './network/ports.ts';
import type { ServerNode, ServerState } from './node/server-node.ts';
import { PATIENCE_MS } from './test-servers.ts';
import { TestingError } from './testing-error.ts';
import { until } from './time/turns.ts';

export interface KillOptions {
  /**
   * Whether a server in memory keeps what it had written and not made durable, as when a process is killed and its machine goes
   * on. Default: false, as when the power fails. What is on the machine's disk is always kept.
   */
  readonly keepUnsynced?: boolean;
}

/** Why a server ended by itself. */
export interface ServerFailure {
  /** What its process would have ended with; 10: its disk. */
  readonly exitCode: number;
  readonly message: string;
}

/** What a test can do to one server, alone or in an ensemble. All of it can be repeated, in any order. */
export abstract class ServerControls {
  readonly #node: ServerNode;

  constructor(node: ServerNode) {
    this.#node = node;
  }

  /** Always 127.0.0.1. */
  readonly host: string = HOST;

  /** TCP port of clients; the same after every restart. */
  get port(): number {
    return this.#node.config.clientPort;
  }

  /** `host:port`, as clients take it. */
  get connectString(): string {
    return `${this.host}:${this.port}`;
  }

  /** `failed`: it has ended by itself; see `failure`. */
  get state(): ServerState {
    return this.#node.state;
  }

  /** Why it ended by itself, while its state is `failed`; else null. */
  get failure(): ServerFailure | null {
    return this.#node.failure;
  }

  /** Whether it serves clients: it runs, is not paused, and in an ensemble it has a leader. */
  get isServing(): boolean {
    return this.#node.isServing;
  }

  /**
   * Ends the server at once: its connections are gone, nothing more is written. `restart` recovers from what was durable,
   * in which everything is that was ever acknowledged. A server that does not run stays as it is.
   */
  kill(options: KillOptions = {}): Promise<void> {
    return this.#node.kill(options.keepUnsynced !== true);
  }

  /**
   * Starts the server again on its port and its data, after `kill`, `stop` or a failure; one that runs is killed first.
   * Resolves when the port is open. In an ensemble it then still has to find the leader: see `waitUntilServing`.
   *
   * @throws TestingError when it cannot start.
   */
  async restart(): Promise<void> {
    if (this.#node.life !== null) await this.kill();
    await this.#node.start();
  }

  /** As SIGSTOP: connections can be made and bytes sent, nobody answers; its time goes on without it. */
  pause(): void {
    if (this.state !== 'paused') this.#node.pause();
  }

  /** Goes on after `pause`. */
  resume(): void {
    this.#node.resume();
  }

  /** Ends all connections of clients; their sessions live on, and they may come back. */
  disconnectClients(): void {
    this.#node.running('disconnectClients()').dropClients();
  }

  /** From now on new connections of clients are reset, also after a restart. Those that are open stay. */
  refuseClients(): void {
    this.#node.refuse(true);
  }

  /** Takes clients again after `refuseClients`. */
  acceptClients(): void {
    this.#node.refuse(false);
  }

  /**
   * Makes an operation of the disk fail, the next one by default. The server then ends by itself, as it must: its state
   * becomes `failed`, and `restart` brings it back.
   */
  failDisk(fault: DiskFault): void {
    const { operation, code, after } = fault;
    if (operation !== 'write' && operation !== 'sync') {
      throw new TestingError(`failDisk(): operation: expected 'write' or 'sync', not ${String(operation)}`);
    }
    if (code !== 'EIO' && code !== 'ENOSPC') {
      throw new TestingError(`failDisk(): code: expected 'EIO' or 'ENOSPC', not ${String(code)}`);
    }
    if (after !== undefined && !(Number.isSafeInteger(after) && after >= 0)) {
      throw new TestingError(`failDisk(): after: expected a count of operations, 0 or more, not ${after}`);
    }
    this.#node.fail(fault);
  }

  /**
   * Resolves when it serves clients.
   *
   * @throws TestingError when it does not within `timeoutMs` milliseconds of real time.
   */
  async waitUntilServing(timeoutMs: number = PATIENCE_MS): Promise<void> {
    if (await until(() => this.isServing, timeoutMs)) return;
    throw new TestingError(`${this.#node.name} does not serve after ${timeoutMs} ms; its state is ${this.state}`);
  }

  /** Resolves when the server has ended by itself, for its disk for instance; at once if it has already. */
  async waitUntilFailed(timeoutMs: number = PATIENCE_MS): Promise<ServerFailure> {
    await until(() => this.failure !== null, timeoutMs);
    if (this.failure !== null) return this.failure;
    throw new TestingError(`${this.#node.name} has not failed after ${timeoutMs} ms; its state is ${this.state}`);
  }
}

/** Writers and keepers over all servers of an ensemble, and what is to be true of them in the end. */

import { ErrorCode } from '@headkeeper/protocol';
import type { Ensemble } from './ensemble.ts';
import { EnsembleSession, SessionLost } from './ensemble-session.ts';
import { SequenceWriter, type WriteTimes } from './sequence-writer.ts';
import { PING_EVERY_MS, SessionKeeper } from './session-keeper.ts';
import { until } from './waiting.ts';

export interface LoadOptions {
  /** Writers on each server at the beginning; 2 when not given. */
  readonly writers?: number;
  /** Idle sessions on each server at the beginning; 2 when not given. */
  readonly keepers?: number;
  /** See `EnsembleLoad.paceMs`; 0 when not given. */
  readonly paceMs?: number;
  /** The timeout of every session in milliseconds; 10,000 when not given. */
  readonly sessionMs?: number;
}

export interface LoadCounts {
  readonly acknowledged: number;
  readonly sessions: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly sessionsLost: number;
  readonly foundDone: number;
  readonly repeated: number;
}

/** Enough for a write to be under way at any time, and not for trees that take minutes to compare. */
export const PACE_MS = 8;

const ROOT = '/load';

let loads = 0;

export class EnsembleLoad {
  readonly writers: readonly SequenceWriter[];
  readonly keepers: readonly SessionKeeper[];
  /** Milliseconds from the answer of a writer's write to its next one. */
  paceMs: number;
  readonly #root: string = `${ROOT}-${++loads}`;
  readonly #ensemble: Ensemble;
  readonly #options: LoadOptions;
  readonly #listeners: Set<(times: WriteTimes) => void> = new Set();
  readonly #failures: string[] = [];
  /** Those whose work has ended by a fault: they are not asked any more. */
  readonly #failed: Set<SequenceWriter | SessionKeeper> = new Set();
  #sessionsLost = 0;
  #writing: Promise<void>[] = [];
  #keeping: Promise<void>[] = [];
  #pings: NodeJS.Timeout | undefined;

  constructor(ensemble: Ensemble, options: LoadOptions = {}) {
    this.#ensemble = ensemble;
    this.#options = options;
    this.paceMs = options.paceMs ?? 0;
    const heard = (times: WriteTimes) => {
      for (const listener of this.#listeners) listener(times);
    };
    this.writers = this.#onEachServer('writer', options.writers ?? 2).map(
      (session) => new SequenceWriter(session, this.#root, heard),
    );
    this.keepers = this.#onEachServer('keeper', options.keepers ?? 2).map(
      (session) => new SessionKeeper(session, this.#root),
    );
  }

  get acknowledged(): number {
    return this.writers.reduce((sum, writer) => sum + writer.acknowledged, 0);
  }

  /** Begins: with folders and ephemerals at the first call. */
  async start(): Promise<void> {
    const first = this.writers[0];
    if (first !== undefined && first.session.key === null) {
      await first.session.ensure(this.#root);
      await Promise.all([...this.writers, ...this.keepers].map((client) => client.prepare()));
    }
    this.#keeping = this.keepers.map((keeper) => this.#guard(keeper, keeper.run()));
    this.resumeWriting();
  }

  /** Writes on, after `stopWriting`. */
  resumeWriting(): void {
    this.#writing = this.writers.map((writer) =>
      this.#guard(
        writer,
        writer.run(() => this.paceMs),
      ),
    );
  }

  /** Waits until so many more writes are acknowledged. */
  async waitForWrites(count: number, timeoutMs: number = 60_000): Promise<void> {
    const wanted = this.acknowledged + count;
    await until(`${count} more writes`, timeoutMs, () => this.acknowledged >= wanted);
  }

  /** Resolves with the first acknowledged write that fits. */
  nextWrite(fits: (times: WriteTimes) => boolean): Promise<WriteTimes> {
    return new Promise((resolve) => {
      const listener = (times: WriteTimes) => {
        if (!fits(times)) return;
        this.#listeners.delete(listener);
        resolve(times);
      };
      this.#listeners.add(listener);
    });
  }

  /** No further write is begun; returns when all are answered. */
  async stopWriting(): Promise<void> {
    for (const writer of this.writers) writer.stop();
    await Promise.all(this.#writing);
  }

  /** Stops writing and compares: every fault is one sentence. All sessions live on, by pings, until `leave`. */
  async finish(): Promise<string[]> {
    for (const client of [...this.writers, ...this.keepers]) client.stop();
    this.#pings ??= setInterval(() => {
      for (const { session } of [...this.writers, ...this.keepers]) session.ask('ping', null).catch(() => {});
    }, PING_EVERY_MS);
    await Promise.all([...this.#writing, ...this.#keeping]);
    const living = [...this.writers, ...this.keepers].filter((client) => !this.#failed.has(client));
    await Promise.all(living.map((client) => this.#guard(client, client.verify())));
    return this.faults();
  }

  faults(): string[] {
    return [...this.#failures, ...[...this.writers, ...this.keepers].flatMap((client) => client.faults)];
  }

  counts(): LoadCounts {
    const faults = this.faults();
    const sum = (of: (writer: SequenceWriter) => number) => this.writers.reduce((total, each) => total + of(each), 0);
    return {
      acknowledged: this.acknowledged,
      sessions: this.writers.length + this.keepers.length,
      lost: faults.filter((fault) => fault.startsWith('lost: ')).length,
      duplicates: faults.filter((fault) => fault.startsWith('duplicate: ')).length,
      sessionsLost: this.#sessionsLost,
      foundDone: sum((writer) => writer.foundDone),
      repeated: sum((writer) => writer.repeated),
    };
  }

  /**
   * Ends all sessions, the last keeper's by leaving it to expire: then no ephemeral may be left on any server, which is
   * found out within `timeoutMs`.
   */
  async leave(timeoutMs: number = 40_000): Promise<string[]> {
    clearInterval(this.#pings);
    const sessions = [...this.writers, ...this.keepers].map((client) => client.session);
    const abandoned = sessions.at(-1);
    abandoned?.end();
    await Promise.all(sessions.filter((session) => session !== abandoned).map((session) => session.close()));
    const paths = [
      ...this.writers.map((writer) => `${this.#root}/${writer.session.name}/alive`),
      ...this.keepers.map((keeper) => `${this.#root}/${keeper.session.name}`),
    ];
    const faults: string[] = [];
    for (const member of this.#ensemble.members) {
      const session = new EnsembleSession('judge', { ports: [member.clientPort] });
      for (const path of paths) {
        await until(`${path} gone from ${member.name}`, timeoutMs, async () => {
          const { error } = await session.ask('exists', { path, watch: false });
          return error === ErrorCode.noNode;
        }).catch((error: unknown) => faults.push(String(error)));
      }
      await session.close();
    }
    return faults;
  }

  /** Drops every connection, after a failure. */
  abandon(): void {
    clearInterval(this.#pings);
    for (const client of [...this.writers, ...this.keepers]) {
      client.stop();
      client.session.end();
    }
  }

  async #guard(client: SequenceWriter | SessionKeeper, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#failed.add(client);
      if (error instanceof SessionLost) this.#sessionsLost++;
      this.#failures.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    }
  }

  #onEachServer(role: string, count: number): EnsembleSession[] {
    const ports = this.#ensemble.members.map((member) => member.clientPort);
    const { sessionMs = 10_000 } = this.#options;
    return ports.flatMap((_, first) =>
      Array.from({ length: count }, (_each, index) => {
        const name = `${role}-${first + 1}-${index + 1}`;
        return new EnsembleSession(name, { ports: [...ports.slice(first), ...ports.slice(0, first)], sessionMs });
      }),
    );
  }
}

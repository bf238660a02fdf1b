/** A client that does nothing but stay: its session lives by pings alone, and holds an ephemeral. */

import { setTimeout as pause } from 'node:timers/promises';
import { CreateMode, ErrorCode } from '@headkeeper/protocol';
import { ConnectionLost } from '../crash/raw-session.ts';
import { creation, type EnsembleSession } from './ensemble-session.ts';

/** A fraction of the shortest timeout that our runs ask for. */
export const PING_EVERY_MS = 700;

export class SessionKeeper {
  readonly faults: string[] = [];
  readonly session: EnsembleSession;
  readonly #path: string;
  readonly #aborted: AbortController = new AbortController();

  constructor(session: EnsembleSession, root: string) {
    this.session = session;
    this.#path = `${root}/${session.name}`;
  }

  async prepare(): Promise<void> {
    const { error } = await this.session.ask('create', creation(this.#path, '', CreateMode.ephemeral));
    if (error !== ErrorCode.ok) throw new Error(`${this.#path} cannot be made: ${error}`);
  }

  /** Pings until `stop` is called. */
  async run(): Promise<void> {
    const { signal } = this.#aborted;
    while (!signal.aborted) {
      try {
        await this.session.ask('ping', null);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        continue;
      }
      await pause(PING_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }

  stop(): void {
    this.#aborted.abort();
  }

  async verify(): Promise<void> {
    const { body } = await this.session.askUntilAnswered('exists', { path: this.#path, watch: false });
    if (body?.stat.ephemeralOwner !== this.session.id) this.faults.push(`${this.#path} is lost`);
  }
}

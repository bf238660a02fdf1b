import type { ObjectRequest } from '../histories/lines.ts';
import { sessionText } from '../histories/lines.ts';
import type { Recorder } from '../histories/recorder.ts';
import type { Grant } from './grant.ts';

/**
 * Writes down who held which lock, with its token, and what a store did with the tokens (docs/internals/histories.md). Each life
 * of a process is a client of its own. Waiting is not written down: an acquire begins and ends when the holder is told.
 */
export class GrantRecord {
  readonly #recorder: Recorder;
  readonly #ids: Map<string, number> = new Map();

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /** The holder is told; in the same turn it has been shown all up to `node.told`. */
  granted(lock: string, grant: Grant): void {
    const id = this.#call(grant, { do: 'acquire', in: {}, on: `lock:${lock}` });
    const { node, token } = grant;
    this.#recorder.add({
      kind: 'return',
      ...this.#base(grant),
      id,
      outcome: 'ok',
      zxid: Math.max(node.told, token),
      out: { token },
    });
  }

  /** The holder gives the lock back, or is told that it may have lost it. What becomes of that nobody asks. */
  givenUp(lock: string, grant: Grant): void {
    this.#call(grant, { do: 'release', in: {}, on: `lock:${lock}` });
  }

  /** A holder writes to a store that checks tokens. Returns the id of the call. */
  writes(store: string, grant: Grant): number {
    return this.#call(grant, { do: 'write', in: { token: grant.token }, on: `fenced:${store}` });
  }

  written(id: number, grant: Grant, isTaken: boolean): void {
    this.#recorder.add({ kind: 'return', ...this.#base(grant), id, outcome: isTaken ? 'ok' : 'refused' });
  }

  #call(grant: Grant, request: ObjectRequest): number {
    const base = this.#base(grant);
    const id = (this.#ids.get(base.client) ?? 0) + 1;
    this.#ids.set(base.client, id);
    this.#recorder.add({ kind: 'call', ...base, id, ...request });
    return id;
  }

  #base({ node, life, session }: Grant): { client: string; at: number; session: string } {
    return { client: `${node.name}.${life}`, at: this.#recorder.now, session: sessionText(session) };
  }
}

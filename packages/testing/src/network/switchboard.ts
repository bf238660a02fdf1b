import type { Endpoint } from '@headkeeper/server/embedding';

/** Which servers of an ensemble can reach each other. */
export class Switchboard {
  readonly #owners: ReadonlyMap<number, number>;
  /** The group of each server; null: all reach all. */
  #groups: ReadonlyMap<number, number> | null = null;
  readonly #listeners: Set<() => void> = new Set();

  /** `owners`: whose each port is, by the server's id. */
  constructor(owners: ReadonlyMap<number, number>) {
    this.#owners = owners;
  }

  /** From now on servers reach those of their own group only. */
  partition(groups: ReadonlyMap<number, number>): void {
    this.#groups = groups;
    this.#tell();
  }

  heal(): void {
    this.#groups = null;
    this.#tell();
  }

  /** Whether nothing gets from this server to that address, or back. */
  isCut(sid: number, to: Endpoint): boolean {
    const other = this.#owners.get(to.port);
    if (this.#groups === null || other === undefined) return false;
    return this.#groups.get(sid) !== this.#groups.get(other);
  }

  /** `changed` is called after every change; returns how to end that. */
  watch(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  #tell(): void {
    for (const changed of [...this.#listeners]) changed();
  }
}

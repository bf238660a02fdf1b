import type { SeededRandom } from './seeded-random.ts';
import type { CrashKind, SimInode } from './sim-inode.ts';

export type Entry = SimInode | SimFolder;

/** A change of names in one folder; applied whole or not at all. */
interface Change {
  readonly remove: string | null;
  readonly add: string | null;
  readonly entry: Entry | null;
}

/** One folder of the disk twin: the names programs see, and the names a crash leaves. */
export class SimFolder {
  readonly entries: Map<string, Entry> = new Map();
  #durable: Map<string, Entry> = new Map();
  #unsynced: Change[] = [];

  /** The names that survive any crash; another map whenever they have changed. */
  get durable(): ReadonlyMap<string, Entry> {
    return this.#durable;
  }

  /** Names made or removed so far lie before this mark. */
  get sequence(): number {
    return this.#unsynced.length;
  }

  add(name: string, entry: Entry): void {
    this.#change({ remove: null, add: name, entry });
  }

  remove(name: string): void {
    this.#change({ remove: name, add: null, entry: null });
  }

  rename(from: string, to: string, entry: Entry): void {
    this.#change({ remove: from, add: to, entry });
  }

  sync(): void {
    this.#durable = new Map(this.entries);
    this.#unsynced = [];
  }

  /** Each unsynced change survives or not; those that do keep their order. */
  crash(kind: CrashKind, random: SeededRandom): void {
    if (this.#unsynced.length > 0) this.#durable = new Map(this.#durable);
    for (const change of this.#unsynced) {
      if (kind === 'keep' || (kind === 'torn' && random.chance())) apply(this.#durable, change);
    }
    this.#unsynced = [];
    this.entries.clear();
    for (const [name, entry] of this.#durable) {
      this.entries.set(name, entry);
      entry.crash(kind, random);
    }
  }

  /** Whether a crash would leave everything as it is. */
  get isClean(): boolean {
    if (this.#unsynced.length > 0) return false;
    for (const entry of this.entries.values()) if (!entry.isClean) return false;
    return true;
  }

  /** Every file below, under its durable names or its present ones; some twice. */
  *inodes(): IterableIterator<SimInode> {
    for (const names of [this.#durable, this.entries]) {
      for (const entry of names.values()) {
        if (entry instanceof SimFolder) yield* entry.inodes();
        else yield entry;
      }
    }
  }

  /** The process that wrote is gone: none of its writes are under way any more. */
  endProcess(): void {
    for (const entry of this.entries.values()) {
      if (entry instanceof SimFolder) entry.endProcess();
      else entry.writing.clear();
    }
  }

  /** A deep copy; `copies` holds what was copied already, as a file can have a durable name and another cached one. */
  clone(copies: Map<Entry, Entry>): SimFolder {
    const copyOf = (entry: Entry): Entry => {
      let copy = copies.get(entry);
      if (copy === undefined) {
        copy = entry instanceof SimFolder ? entry.clone(copies) : entry.clone();
        copies.set(entry, copy);
      }
      return copy;
    };
    const copy = new SimFolder();
    for (const [name, entry] of this.entries) copy.entries.set(name, copyOf(entry));
    for (const [name, entry] of this.#durable) copy.#durable.set(name, copyOf(entry));
    copy.#unsynced = this.#unsynced.map((change) => ({
      ...change,
      entry: change.entry === null ? null : copyOf(change.entry),
    }));
    return copy;
  }

  #change(change: Change): void {
    apply(this.entries, change);
    this.#unsynced.push(change);
  }
}

function apply(names: Map<string, Entry>, change: Change): void {
  if (change.remove !== null) names.delete(change.remove);
  if (change.add !== null && change.entry !== null) names.set(change.add, change.entry);
}

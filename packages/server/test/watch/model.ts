import { WatchKind } from '../../src/core/watch/watches.ts';

type Mode = 'one-shot' | 'persistent' | 'recursive';
type Table = Map<string, Map<number, Set<Mode>>>;

/** The rules of client-protocol reference section 6 in plain Maps: two tables, path -> connection -> modes. */
export class WatchModel {
  readonly data: Table = new Map();
  readonly child: Table = new Map();

  add(connection: number, path: string, kinds: number): void {
    if ((kinds & WatchKind.dataOneShot) !== 0) put(this.data, path, connection, 'one-shot');
    if ((kinds & WatchKind.childOneShot) !== 0) put(this.child, path, connection, 'one-shot');
    if ((kinds & WatchKind.persistent) !== 0) {
      put(this.data, path, connection, 'persistent');
      put(this.child, path, connection, 'persistent');
    }
    if ((kinds & WatchKind.recursive) !== 0) put(this.data, path, connection, 'recursive');
  }

  removeConnection(connection: number): void {
    for (const table of [this.data, this.child]) {
      for (const path of [...table.keys()]) {
        table.get(path)?.delete(connection);
        tidy(table, path);
      }
    }
  }

  has(connection: number, path: string, type: number): boolean {
    return named(type).some(([table, mode]) => this[table].get(path)?.get(connection)?.has(mode) === true);
  }

  remove(connection: number, path: string, type: number): boolean {
    const found = this.has(connection, path, type);
    for (const [table, mode] of named(type)) {
      this[table].get(path)?.get(connection)?.delete(mode);
      tidy(this[table], path);
    }
    return found;
  }

  trigger(eventType: number, path: string): number[] {
    const told = new Set<number>();
    if (eventType !== 4) {
      for (const ancestor of ancestorsOf(path)) {
        for (const [connection, modes] of this.data.get(ancestor) ?? [])
          if (modes.has('recursive')) told.add(connection);
      }
      fire(this.data, path, told);
    }
    if (eventType === 2 || eventType === 4) fire(this.child, path, told);
    return [...told].sort((a, b) => a - b);
  }

  counts(): Record<string, number> {
    return {
      watchCount: size(this.data) + size(this.child),
      pathCount: new Set([...this.data.keys(), ...this.child.keys()]).size,
      dataPathCount: this.data.size,
      dataWatchCount: size(this.data),
      childWatchCount: size(this.child),
      dataConnectionCount: new Set([...this.data.values()].flatMap((watchers) => [...watchers.keys()])).size,
    };
  }

  /** `connection path` of every data watch, sorted. */
  dataPairs(): string[] {
    return [...this.data]
      .flatMap(([path, watchers]) => [...watchers.keys()].map((connection) => `${connection} ${path}`))
      .sort();
  }
}

function named(type: number): ['data' | 'child', Mode][] {
  if (type === 1) return [['child', 'one-shot']];
  if (type === 2) return [['data', 'one-shot']];
  if (type === 4)
    return [
      ['data', 'persistent'],
      ['child', 'persistent'],
    ];
  if (type === 5) return [['data', 'recursive']];
  if (type === 3) return [1, 2, 4, 5].flatMap(named);
  return [];
}

function put(table: Table, path: string, connection: number, mode: Mode): void {
  const watchers = table.get(path) ?? new Map<number, Set<Mode>>();
  table.set(path, watchers);
  watchers.set(connection, (watchers.get(connection) ?? new Set()).add(mode));
}

function tidy(table: Table, path: string): void {
  const watchers = table.get(path);
  for (const [connection, modes] of watchers ?? []) if (modes.size === 0) watchers?.delete(connection);
  if (watchers?.size === 0) table.delete(path);
}

function fire(table: Table, path: string, told: Set<number>): void {
  for (const [connection, modes] of table.get(path) ?? []) {
    told.add(connection);
    modes.delete('one-shot');
  }
  tidy(table, path);
}

function ancestorsOf(path: string): string[] {
  if (path === '/') return [];
  const parts = path.split('/').slice(1, -1);
  return ['/', ...parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`)];
}

function size(table: Table): number {
  return [...table.values()].reduce((sum, watchers) => sum + watchers.size, 0);
}

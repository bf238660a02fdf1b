/** How the items of one kind of queue are named. */
export interface ItemNaming {
  /** What is no item of this queue is left alone. */
  isItem(name: string): boolean;
  compare(a: string, b: string): number;
  /** A new item may belong before those that are known. */
  readonly isOrderedByName: boolean;
  /** Milliseconds until the item may be taken; at once unless given. Items come in the order of it. */
  readonly waitMs?: (name: string) => number;
  /** What is wrong with an item's data: it is not taken then. */
  readonly fault?: (data: Uint8Array) => string | null;
}

/** The first item of a queue is none that this queue can read. Repair or delete its znode: it is not taken. */
export class ItemError extends Error {
  readonly path: string;

  constructor(path: string, fault: string) {
    super(`the item ${path} ${fault}; repair or delete it`);
    this.name = 'ItemError';
    this.path = path;
  }
}

/** @throws ItemError */
export function checkItem(naming: ItemNaming, path: string, data: Uint8Array): void {
  const fault = naming.fault?.(data) ?? null;
  if (fault !== null) throw new ItemError(path, fault);
}

/** What a program's reads meet where a disk does not hold what it has promised. */
export class PlatterFaults {
  /** Sectors that hold something else than what was made durable. */
  readonly #content: Map<number, Uint8Array> = new Map();
  /** Sectors that cannot be read. */
  readonly #unreadable: Set<number> = new Set();

  get any(): boolean {
    return this.#content.size > 0 || this.#unreadable.size > 0;
  }

  /** What the sector really holds; null where it is what was promised. */
  content(sector: number): Uint8Array | null {
    return this.#content.get(sector) ?? null;
  }

  replace(sector: number, bytes: Uint8Array): void {
    this.#content.set(sector, bytes);
  }

  /** What the sector holds is what it is to hold from now on. */
  forgetContent(sector: number): void {
    this.#content.delete(sector);
  }

  makeUnreadable(sector: number): void {
    this.#unreadable.add(sector);
  }

  becomeReadable(): void {
    this.#unreadable.clear();
  }

  isUnreadable(firstSector: number, lastSector: number): boolean {
    for (const sector of this.#unreadable) if (sector >= firstSector && sector <= lastSector) return true;
    return false;
  }

  /** The sector was written anew; whether anything was wrong with it. */
  heal(sector: number): boolean {
    const hadOther = this.#content.delete(sector);
    return this.#unreadable.delete(sector) || hadOther;
  }

  entries(): IterableIterator<[number, Uint8Array]> {
    return this.#content.entries();
  }

  copyTo(other: PlatterFaults): void {
    for (const [sector, bytes] of this.#content) other.replace(sector, bytes.slice());
    for (const sector of this.#unreadable) other.makeUnreadable(sector);
  }
}

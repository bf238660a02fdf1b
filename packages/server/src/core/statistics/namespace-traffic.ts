import { decodeUtf8 } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import { Observations } from './observations.ts';

const SLASH = 0x2f;
/** More than twice `limits.metricNamespaces`: there is always a free one. */
const BUCKETS = 1024;
/** Stands for the namespaces that are too many, or whose names are too long. No znode can have this name. */
export const OTHER_NAMESPACES = '/';

const NO_SLOTS = new Uint16Array(0);
const NO_NAME = new Uint8Array(0);

/** What is observed of one namespace. */
class Namespace {
  readonly name: Uint8Array;
  readonly hash: number;
  readonly observed: Observations = new Observations();

  constructor(name: Uint8Array, hash: number) {
    this.name = name;
    this.hash = hash;
  }
}

/** Bytes of requests by the first element of their path. Nothing is allocated but for a namespace that is seen first. */
export class NamespaceTraffic {
  readonly #buckets: (Namespace | null)[] = new Array(BUCKETS).fill(null);
  readonly #all: Namespace[] = [];
  readonly #others: Namespace = new Namespace(NO_NAME, 0);
  #hash = 0;
  /** Numbers of namespaces by the slots of their znodes; 0: not known. At most `limits.metricNamespaces` and the others. */
  #ofSlot: Uint16Array = NO_SLOTS;
  readonly #bySlot: (Namespace | undefined)[] = [undefined];

  /** A request for the path `bytes[start, end)` with so many bytes beside the path. The root has no namespace. */
  add(bytes: Uint8Array, start: number, end: number, otherBytes: number): void {
    const nameEnd = this.#scan(bytes, start, end);
    if (nameEnd > start + 1) this.#find(bytes, start + 1, nameEnd).observed.add(end - start + otherBytes);
  }

  /** Where the first element of the path ends; `#hash` is that of its name. */
  #scan(bytes: Uint8Array, start: number, end: number): number {
    let hash = 5381;
    let at = start + 1;
    for (; at < end && bytes[at] !== SLASH; at++) hash = (Math.imul(hash, 33) ^ bytes[at]) | 0;
    this.#hash = hash;
    return at;
  }

  /**
   * As `add`, for a path whose first element is the znode of this slot, so that it is found without looking at its name; -1:
   * that is not known.
   */
  addOf(slot: number, bytes: Uint8Array, start: number, end: number, otherBytes: number): void {
    const known = slot >= 0 && slot < this.#ofSlot.length ? this.#bySlot[this.#ofSlot[slot]] : undefined;
    if (known !== undefined) known.observed.add(end - start + otherBytes);
    else {
      if (slot >= 0) this.#learn(slot, bytes, start, end);
      this.add(bytes, start, end, otherBytes);
    }
  }

  /** Another znode may have this slot from now on. */
  forget(slot: number): void {
    if (slot < this.#ofSlot.length) this.#ofSlot[slot] = 0;
  }

  /** Another tree takes the place of the one that the slots are of. */
  forgetAll(): void {
    this.#ofSlot = NO_SLOTS;
  }

  #learn(slot: number, bytes: Uint8Array, start: number, end: number): void {
    if (slot >= this.#ofSlot.length) {
      const larger = new Uint16Array(Math.max(slot + 1, this.#ofSlot.length * 2, 256));
      larger.set(this.#ofSlot);
      this.#ofSlot = larger;
    }
    const nameEnd = this.#scan(bytes, start, end);
    if (nameEnd <= start + 1) return;
    const namespace = this.#find(bytes, start + 1, nameEnd);
    let number = this.#bySlot.indexOf(namespace, 1);
    if (number < 0) number = this.#bySlot.push(namespace) - 1;
    this.#ofSlot[slot] = number;
  }

  /** Names with their bytes; `OTHER_NAMESPACES` among them where there are such. */
  *entries(): Generator<[name: string, bytes: Observations]> {
    for (const { name, observed } of this.#all) yield [decodeUtf8(name, 0, name.length), observed];
    const { observed } = this.#others;
    if (observed.count > 0) yield [OTHER_NAMESPACES, observed];
  }

  /** Of the name that was scanned last. */
  #find(bytes: Uint8Array, start: number, end: number): Namespace {
    const buckets = this.#buckets;
    const hash = this.#hash;
    let at = hash & (BUCKETS - 1);
    for (let known = buckets[at]; known !== null; known = buckets[at]) {
      if (known.hash === hash && isSame(known.name, bytes, start, end)) return known;
      at = (at + 1) & (BUCKETS - 1);
    }
    return this.#enter(bytes, start, end, hash, at);
  }

  #enter(bytes: Uint8Array, start: number, end: number, hash: number, bucket: number): Namespace {
    if (this.#all.length >= limits.metricNamespaces || end - start > limits.metricKeyBytes) return this.#others;
    const namespace = new Namespace(bytes.slice(start, end), hash);
    this.#buckets[bucket] = namespace;
    this.#all.push(namespace);
    return namespace;
  }
}

function isSame(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[start + i]) return false;
  return true;
}

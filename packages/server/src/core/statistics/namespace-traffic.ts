import { decodeUtf8 } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import { Observations } from './observations.ts';

const SLASH = 0x2f;
/** More than twice `limits.metricNamespaces`: there is always a free one. */
const BUCKETS = 1024;
/** Stands for the namespaces that are too many, or whose names are too long. No znode can have this name. */
export const OTHER_NAMESPACES = '/';

interface Namespace {
  readonly name: Uint8Array;
  readonly hash: number;
  readonly bytes: Observations;
}

/** Bytes of requests by the first element of their path. Nothing is allocated but for a namespace that is seen first. */
export class NamespaceTraffic {
  readonly #buckets: (Namespace | null)[] = new Array(BUCKETS).fill(null);
  readonly #all: Namespace[] = [];
  readonly #others: Observations = new Observations();

  /** A request for the path `bytes[start, end)` with so many bytes beside the path. The root has no namespace. */
  add(bytes: Uint8Array, start: number, end: number, otherBytes: number): void {
    let hash = 5381;
    let at = start + 1;
    for (; at < end && bytes[at] !== SLASH; at++) hash = (Math.imul(hash, 33) ^ bytes[at]) | 0;
    if (at <= start + 1) return;
    this.#find(bytes, start + 1, at, hash).add(end - start + otherBytes);
  }

  /** Names with their bytes; `OTHER_NAMESPACES` among them where there are such. */
  *entries(): Generator<[name: string, bytes: Observations]> {
    for (const { name, bytes } of this.#all) yield [decodeUtf8(name, 0, name.length), bytes];
    if (this.#others.count > 0) yield [OTHER_NAMESPACES, this.#others];
  }

  #find(bytes: Uint8Array, start: number, end: number, hash: number): Observations {
    const buckets = this.#buckets;
    let at = hash & (BUCKETS - 1);
    for (let known = buckets[at]; known !== null; known = buckets[at]) {
      if (known.hash === hash && isSame(known.name, bytes, start, end)) return known.bytes;
      at = (at + 1) & (BUCKETS - 1);
    }
    return this.#enter(bytes, start, end, hash, at);
  }

  #enter(bytes: Uint8Array, start: number, end: number, hash: number, bucket: number): Observations {
    if (this.#all.length >= limits.metricNamespaces || end - start > limits.metricKeyBytes) return this.#others;
    const namespace = { name: bytes.slice(start, end), hash, bytes: new Observations() };
    this.#buckets[bucket] = namespace;
    this.#all.push(namespace);
    return namespace.bytes;
  }
}

function isSame(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[start + i]) return false;
  return true;
}

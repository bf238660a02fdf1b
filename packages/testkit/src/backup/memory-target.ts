import { type BackupTarget, TargetError, type TargetObject } from '@headkeeper/server/internal';

interface Held {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

/** A target in memory, with a back door for spoiling what it holds. */
export class MemoryTarget implements BackupTarget {
  readonly description: string = 'memory';
  readonly #objects = new Map<string, Held>();
  readonly #now: () => number;

  /** @param now Epoch milliseconds for the objects' times */
  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  async put(name: string, body: AsyncIterable<Uint8Array> | Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const bytes = await gather(body, signal);
    if (this.#objects.has(name)) throw new TargetError('exists', `cannot put ${name} (memory): it is there already`);
    this.#objects.set(name, { bytes, modifiedMs: this.#now() });
  }

  async settled(): Promise<void> {}

  async *get(name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    signal.throwIfAborted();
    const held = this.#objects.get(name);
    if (held === undefined) throw new TargetError('missing', `cannot get ${name} (memory): there is no such object`);
    for (let at = 0; at < held.bytes.length; at += 64 * 1024) {
      signal.throwIfAborted();
      yield held.bytes.slice(at, at + 64 * 1024);
    }
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<TargetObject> {
    signal.throwIfAborted();
    for (const name of this.names()) {
      const held = this.#objects.get(name);
      if (held !== undefined && name.startsWith(prefix))
        yield { name, size: held.bytes.length, modifiedMs: held.modifiedMs };
      signal.throwIfAborted();
    }
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#objects.delete(name);
  }

  async close(): Promise<void> {}

  /** Names of all objects, ascending. */
  names(): string[] {
    return [...this.#objects.keys()].sort();
  }

  /** A copy of an object's bytes, or null. */
  bytesOf(name: string): Uint8Array | null {
    return this.#objects.get(name)?.bytes.slice() ?? null;
  }

  /** Puts bytes under a name, whatever is there, as no target may; null takes the object away. */
  tamper(name: string, bytes: Uint8Array | null): void {
    if (bytes === null) this.#objects.delete(name);
    else this.#objects.set(name, { bytes, modifiedMs: this.#now() });
  }
}

async function gather(body: AsyncIterable<Uint8Array> | Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body.slice();
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    signal.throwIfAborted();
    chunks.push(chunk.slice());
  }
  return Buffer.concat(chunks);
}

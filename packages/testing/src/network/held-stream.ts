import type { Endpoint, PeerStream, PeerStreamHandler } from '@headkeeper/server/embedding';

/** Gives a stream the handler that it will have. */
type Accept = (stream: PeerStream) => PeerStreamHandler;

/**
 * A stream between servers that can be held: what is written, read, or happens to it meanwhile waits, as it does in the
 * kernels of two machines while the cable between them is out, and goes on in order afterwards.
 */
export class HeldStream implements PeerStream, PeerStreamHandler {
  readonly remote: Endpoint;
  readonly #ended: (stream: HeldStream) => void;
  readonly #isHeld: () => boolean;
  /** The real stream; null while there is none yet. */
  #raw: PeerStream | null = null;
  #handler: PeerStreamHandler | null = null;
  /** What has happened to the stream and is not told yet. */
  #inbox: ((handler: PeerStreamHandler) => void)[] = [];
  #accept: Accept | null = null;
  /** What was written and has not left. */
  #outbox: Uint8Array[] = [];
  #outboxBytes = 0;
  #ending: 'close' | 'destroy' | null = null;
  #wantsPause = false;
  #isClosed = false;

  /** `isHeld` says whether it is held now; `ended` is called once nothing more comes of it. */
  constructor(remote: Endpoint, isHeld: () => boolean, ended: (stream: HeldStream) => void) {
    this.remote = remote;
    this.#isHeld = isHeld;
    this.#ended = ended;
  }

  /** For a stream that this server opens. */
  handledBy(handler: PeerStreamHandler): this {
    this.#handler = handler;
    return this;
  }

  /** For a stream that has come in: it gets its handler once it is not held. */
  acceptedBy(accept: Accept): this {
    if (this.#isHeld()) this.#accept = accept;
    else this.#handler = accept(this);
    return this;
  }

  get hasRaw(): boolean {
    return this.#raw !== null;
  }

  /** The stream that it goes on with. */
  attach(raw: PeerStream): void {
    this.#raw = raw;
    this.update();
  }

  /** It never came to be. */
  fail(error: Error): void {
    this.closed(error);
  }

  /** To be called whenever what `isHeld` says may have changed. */
  update(): void {
    const raw = this.#raw;
    if (this.#isHeld()) {
      raw?.pause();
      return;
    }
    if (raw !== null) {
      for (const bytes of this.#outbox.splice(0)) raw.write(bytes, 0, bytes.length);
      this.#outboxBytes = 0;
      if (this.#ending === 'close') raw.close();
      else if (this.#ending === 'destroy') {
        raw.destroy();
        this.#end();
        return;
      }
    }
    if (this.#accept !== null) {
      this.#handler = this.#accept(this);
      this.#accept = null;
    }
    while (this.#inbox.length > 0 && !this.#isHeld() && this.#ending !== 'destroy') {
      const next = this.#inbox.shift() as (handler: PeerStreamHandler) => void;
      if (this.#handler !== null) next(this.#handler);
    }
    if (this.#isHeld()) return;
    if (raw === null) return;
    if (this.#wantsPause) raw.pause();
    else raw.resume();
  }

  // The server's side.

  get unsentBytes(): number {
    return this.#outboxBytes + (this.#raw?.unsentBytes ?? 0);
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.#ending !== null || this.#isClosed) return;
    if (this.#raw !== null && !this.#isHeld()) {
      this.#raw.write(bytes, start, end);
      return;
    }
    this.#outbox.push(bytes.slice(start, end));
    this.#outboxBytes += end - start;
  }

  close(): void {
    if (this.#ending !== null) return;
    this.#ending = 'close';
    if (this.#raw !== null && !this.#isHeld()) this.#raw.close();
  }

  destroy(): void {
    if (this.#ending === 'destroy') return;
    this.#ending = 'destroy';
    this.#inbox = [];
    if (this.#raw !== null && this.#isHeld()) return;
    this.#raw?.destroy();
    this.#end();
  }

  /** Ends the real stream, held or not. */
  drop(): void {
    this.#ending = 'destroy';
    this.#inbox = [];
    this.#raw?.destroy();
    this.#end();
  }

  pause(): void {
    this.#wantsPause = true;
    this.#raw?.pause();
  }

  resume(): void {
    this.#wantsPause = false;
    if (!this.#isHeld()) this.#raw?.resume();
  }

  // The real stream's side.

  opened(): void {
    this.#happen((handler) => handler.opened());
  }

  data(bytes: Uint8Array): void {
    if (this.#passes()) this.#handler?.data(bytes);
    else {
      const kept = bytes.slice();
      this.#happen((handler) => handler.data(kept));
    }
  }

  drained(): void {
    this.#happen((handler) => handler.drained());
  }

  closed(error: Error | null): void {
    this.#happen((handler) => {
      this.#isClosed = true;
      this.#end();
      handler.closed(error);
    });
  }

  #passes(): boolean {
    return this.#inbox.length === 0 && this.#accept === null && this.#ending !== 'destroy' && !this.#isHeld();
  }

  #happen(event: (handler: PeerStreamHandler) => void): void {
    if (this.#ending === 'destroy') return;
    if (this.#passes() && this.#handler !== null) event(this.#handler);
    else this.#inbox.push(event);
  }

  #end(): void {
    this.#ended(this);
  }
}

/** What the client needs of the world. Production has adapters for them, the simulator twins. */

/** A server's name and port, as the connect string says it. */
export interface ServerAddress {
  /** A host name or an IP address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface Timer {
  /** After this the timer's function is not called any more. */
  cancel(): void;
}

/** What a link tells. `closed` comes exactly once, and last; nothing comes after `Link.close`. */
export interface LinkListener {
  /** Bytes may be sent from now on. With TLS: after its handshake. */
  opened(): void;
  /** The bytes may be kept until this call returns. */
  received(bytes: Uint8Array): void;
  /** A `write` said false, and there is room again. */
  drained(): void;
  /** `reason` is null when the server closed it in order. */
  closed(reason: Error | null): void;
}

/** A stream of bytes to one server. */
export interface Link {
  /** Takes the bytes as its own. False: it holds more than it likes, wait for `drained`. */
  write(bytes: Uint8Array): boolean;
  close(): void;
}

/** One step at a time through an authentication mechanism. */
export interface SaslMechanism {
  /** Answers a challenge; null when the exchange is over. The first challenge is null. Throws when the server is wrong. */
  next(challenge: Uint8Array | null): Uint8Array | null;
}

/** A request on its way, for observers. The object is the same from its start to its end. */
export interface RequestTrace {
  readonly operation: string;
  readonly path: string | null;
  /** Set at the end; null: it went well. */
  error: Error | null;
}

/** Where observers look; free of cost while nobody does. */
export interface Diagnostics {
  readonly isActive: boolean;
  started(trace: RequestTrace): void;
  ended(trace: RequestTrace): void;
}

export interface ClientPorts {
  /** Monotonic milliseconds. */
  nowMs(): number;
  after(ms: number, call: () => void): Timer;
  /** Calls back when the current turn's work, promises included, has been done. */
  defer(call: () => void): void;
  /** A whole number from 0 to `limit` - 1. */
  random(limit: number): number;
  /** `count` bytes that nobody can guess. */
  randomBytes(count: number): Uint8Array;
  /** The addresses of a host, now; an IP address is its own. Rejects when there are none. */
  resolve(host: string): Promise<readonly string[]>;
  /** Connects to an IP address; `host` is the name it came from, which a certificate must carry. */
  dial(ip: string, address: ServerAddress, listener: LinkListener): Link;
  readonly diagnostics: Diagnostics;
}

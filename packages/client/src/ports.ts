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

/** A request on its way, for observers: one object from its start to its end. */
export interface RequestTrace {
  /** Such as `getData`. */
  readonly operation: string;
  /** As the caller gave it; null where no znode is concerned. */
  readonly path: string | null;
  /** The server it was first meant for; null: there was no connection when it was asked. */
  readonly server: ServerAddress | null;
  /** The session it was asked in; 0n for none. */
  readonly sessionId: bigint;
  /** Set at the end, one of them. */
  result?: unknown;
  error?: unknown;
}

/** Where observers look; free of cost while nobody does. */
export interface Diagnostics {
  readonly isActive: boolean;
  /** Runs the request and tells of it; gives what it gives. */
  trace<Result>(trace: RequestTrace, run: () => Promise<Result>): Promise<Result>;
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
  /**
   * Connects to an IP address; `host` is the name it came from, which a certificate must carry. Tells its listener nothing
   * before it has returned.
   */
  dial(ip: string, address: ServerAddress, listener: LinkListener): Link;
  readonly diagnostics: Diagnostics;
}

import { JuteError, type Reader, type Writer } from '@headkeeper/protocol';
import { PASSWORD_BYTES } from './password.ts';

/** A ConnectRequest, decoded (client-protocol reference, 2.1). */
export interface Handshake {
  /** As a number; its order is exact, its last bits need not be. */
  readonly lastZxidSeen: number;
  readonly timeoutMs: number;
  readonly sessionHigh: number;
  readonly sessionLow: number;
  readonly password: Uint8Array | null;
  /** Whether the readOnly byte was there at all: the answer carries it only then. */
  readonly sendsReadOnly: boolean;
  /** Whether the client bears a server that takes reads only. */
  readonly readOnly: boolean;
}

/** Reads a ConnectRequest; throws JuteError when it is cut short. */
function readHandshake(r: Reader): Handshake {
  r.skip(4);
  const lastZxidSeen = r.long();
  const timeoutMs = r.int();
  const sessionHigh = r.int();
  const sessionLow = r.int();
  const password = r.buffer();
  const sendsReadOnly = r.remaining() > 0;
  const readOnly = sendsReadOnly && r.boolean();
  return { lastZxidSeen, timeoutMs, sessionHigh, sessionLow, password, sendsReadOnly, readOnly };
}

/** As `readHandshake`; null when it is cut short. */
export function readHandshakeOrNull(r: Reader): Handshake | null {
  try {
    return readHandshake(r);
  } catch (failure) {
    if (!(failure instanceof JuteError)) throw failure;
    return null;
  }
}

/** Appends a ConnectResponse frame. A refused session has timeout 0, id 0 and a password of zeros. */
export function writeHandshakeReply(
  out: Writer,
  timeoutMs: number,
  sessionHigh: number,
  sessionLow: number,
  password: Uint8Array,
  sendsReadOnly: boolean,
  isReadOnly = false,
): void {
  out.int(20 + PASSWORD_BYTES + (sendsReadOnly ? 1 : 0));
  out.int(0);
  out.int(timeoutMs);
  out.longHalves(sessionHigh, sessionLow);
  out.int(PASSWORD_BYTES);
  out.raw(password, 0, PASSWORD_BYTES);
  if (sendsReadOnly) out.boolean(isReadOnly);
}

/** Session ids as Apache makes them: server id, 40 bits of milliseconds, a counter (client-protocol reference, 2.3). */
export class SessionIds {
  high: number;
  low: number;

  /**
   * `startMs` is wall time, where Apache takes a clock that begins anew with the machine: an id must not come back while
   * a session of an earlier life of the server may still be alive.
   */
  constructor(serverId: number, startMs: number) {
    const bits = startMs % 2 ** 40;
    this.high = (serverId << 24) | Math.floor(bits / 65536);
    this.low = (bits % 65536) << 16;
  }

  /** Moves on to the next id. */
  advance(): void {
    this.low = (this.low + 1) | 0;
    if (this.low === 0) this.high = (this.high + 1) | 0;
  }
}

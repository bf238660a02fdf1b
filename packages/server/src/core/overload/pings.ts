import { OpCode } from '@headkeeper/protocol';
import type { Connection } from '../connection.ts';

/** The frame of a ping. */
const PING: Uint8Array = Uint8Array.of(0, 0, 0, 8, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, OpCode.ping);

/** Whether the bytes are whole pings, and the next that the connection has to be answered. */
export function areNextPings(connection: Connection, bytes: Uint8Array): boolean {
  const { state, session, order, inputLength, outputFull, leaving } = connection;
  if (state !== 'open' || session === null || session.closing || leaving) return false;
  if (outputFull || order.size > 0 || inputLength > 0 || bytes.length % PING.length !== 0) return false;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== PING[i % PING.length]) return false;
  return true;
}

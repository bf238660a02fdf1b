import { Socket, type SocketConstructorOpts } from 'node:net';
import { TLSSocket } from 'node:tls';

/** The most that is read at once. */
const READ_BYTES = 65_536;
/** One for all connections: what was read is dealt with before anything else is. */
let memory: ArrayBuffer | null = null;
/** The parts of it that are given to them, by their length. */
const parts: Map<number, Uint8Array<ArrayBuffer>> = new Map();

/** What lies beneath a socket, as far as it can be handed on. */
interface Handle {
  useUserBuffer?: unknown;
}

/** The part of Node's socket that is not in its documentation. */
interface Handed {
  _handle?: Handle | null;
}

/**
 * Goes on with an open connection in a socket that reads into memory which all of them share, and returns that socket, or
 * null when the connection has to stay as it is. Node's ordinary reading costs new memory, and a pass through a stream, for
 * each piece that comes: more than what is done with most of them. A server cannot ask for the other way when it accepts.
 *
 * `data` gets what comes from now on, at most `most` bytes (65,536) at once, valid during the call. `socket` must have nothing
 * unsent, and must not be used any more; its listeners are gone.
 */
export function readIntoSharedMemory(
  socket: Socket,
  data: (bytes: Uint8Array) => void,
  most: number = READ_BYTES,
): Socket | null {
  const held = socket as unknown as Handed;
  const handle = held._handle ?? null;
  if (socket instanceof TLSSocket || socket.destroyed || socket.writableEnded || socket.readableEnded) return null;
  if (socket.writableLength > 0 || socket.readableLength > 0 || socket.isPaused()) return null;
  if (handle === null || typeof handle.useUserBuffer !== 'function') return null;
  const buffer = partOf(most);
  held._handle = null;
  socket.removeAllListeners('data');
  for (const event of ['drain', 'error', 'end', 'close']) socket.removeAllListeners(event);
  const options = {
    handle,
    onread: {
      buffer,
      callback: (count: number): boolean => {
        data(new Uint8Array(buffer.buffer, 0, count));
        return true;
      },
    },
  };
  const next = new Socket(options as SocketConstructorOpts);
  socket.destroy();
  return next.resume();
}

function partOf(length: number): Uint8Array<ArrayBuffer> {
  memory ??= new ArrayBuffer(READ_BYTES);
  const part = parts.get(length) ?? new Uint8Array(memory, 0, length);
  parts.set(length, part);
  return part;
}

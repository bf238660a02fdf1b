import { Socket, type SocketConstructorOpts } from 'node:net';
import { TLSSocket } from 'node:tls';

/** The most that is read at once. */
const READ_BYTES = 65_536;
/** One for all connections: what was read is dealt with before anything else is. */
let memory: Uint8Array | null = null;

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
 * `data` gets what comes from now on, at most `most` bytes (65,536) at once, valid during the call. `socket` must have nothing unsent, and must not be used any more;
 * its listeners are gone.
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
  memory ??= new Uint8Array(new ArrayBuffer(READ_BYTES));
  const buffer = memory.subarray(0, most);
  held._handle = null;
  socket.removeAllListeners('data');
  for (const event of ['drain', 'error', 'end', 'close']) socket.removeAllListeners(event);
  const options = {
    handle,
    onread: {
      buffer,
      callback: (count: number): boolean => {
        data(new Uint8Array(buffer.buffer as ArrayBuffer, 0, count));
        return true;
      },
    },
  };
  const next = new Socket(options as SocketConstructorOpts);
  socket.destroy();
  return next.resume();
}

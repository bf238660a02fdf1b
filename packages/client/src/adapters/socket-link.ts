import { connect as connectTcp, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
  type SecureContextOptions,
} from 'node:tls';
import type { Link, LinkListener, ServerAddress } from '../ports.ts';

/** Throws what is wrong with certificates and keys. */
export function checkTls(options: object): void {
  createSecureContext(options as SecureContextOptions);
}

/** Connects over TCP, or over TLS if there are options for it. */
export function dialer(
  tls: ConnectionOptions | null,
): (ip: string, address: ServerAddress, listener: LinkListener) => Link {
  return (ip, { host, port }, listener) => {
    if (tls === null) return new SocketLink(connectTcp({ host: ip, port, noDelay: true }), 'connect', listener);
    const servername = tls.servername ?? (isName(host) ? host : undefined);
    const socket = connectTls({
      ...tls,
      host: ip,
      port,
      ...(servername === undefined ? {} : { servername }),
    });
    socket.setNoDelay(true);
    return new SocketLink(socket, 'secureConnect', listener);
  };
}

/** An IP address may not stand in the TLS handshake as a name. */
function isName(host: string): boolean {
  return !host.includes(':') && !/^\d+\.\d+\.\d+\.\d+$/.test(host);
}

class SocketLink implements Link {
  readonly #socket: Socket;
  #isOver = false;

  constructor(socket: Socket, openedEvent: 'connect' | 'secureConnect', listener: LinkListener) {
    this.#socket = socket;
    let failure: Error | null = null;
    socket.on(openedEvent, () => {
      if (!this.#isOver) listener.opened();
    });
    socket.on('data', ({ buffer, byteOffset, length }: Uint8Array) => {
      // A plain array: slices of Node's own kind of it are no copies.
      if (!this.#isOver) listener.received(new Uint8Array(buffer, byteOffset, length));
    });
    socket.on('drain', () => {
      if (!this.#isOver) listener.drained();
    });
    socket.on('error', (error) => {
      failure = error;
    });
    // A server never half-closes: the end of its side is the end.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      if (this.#isOver) return;
      this.#isOver = true;
      listener.closed(failure);
    });
  }

  write(bytes: Uint8Array): boolean {
    return this.#isOver || this.#socket.write(bytes);
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // What was written still leaves; a server that does not read does not hold the socket for long.
    this.#socket.end();
    this.#socket.unref();
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
  }
}

const LINGER_MS = 500;

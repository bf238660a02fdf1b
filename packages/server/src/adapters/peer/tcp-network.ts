import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { limits } from '../../limits.ts';
import type { Endpoint, PeerNetwork, PeerStream, PeerStreamHandler } from '../../ports.ts';
import { TlsAcceptor, TooManyHandshakes } from '../tls/tls-acceptor.ts';
import type { TlsContext } from '../tls/tls-context.ts';
import { TcpStream } from './tcp-stream.ts';

/** An idle connection is probed by the operating system after this long, so that a dead one is noticed. */
const KEEP_ALIVE_MS = 10_000;
/** Handshakes under way on one port; the oldest has to go for a new one. */
const MAX_HANDSHAKES = 128;

export interface TcpNetworkTls {
  readonly tls: TlsContext;
  /** Whether connections that this server makes use TLS (`sslQuorum`). */
  readonly outgoing: boolean;
  /** Whether connections without TLS are accepted (`portUnification`). */
  readonly acceptPlain: boolean;
  /** Time for a peer on such a port to show whether it speaks TLS, milliseconds; then it counts as plain. */
  readonly detectionTimeoutMs: number;
}

export interface TcpNetworkOptions {
  /**
   * Told of accepts that failed, for lack of descriptors for instance, and of peers that TLS did not let in. The port goes
   * on listening.
   */
  readonly failed: (error: Error) => void;
  /** Null or left out: all connections are plain. */
  readonly secure?: TcpNetworkTls | null;
}

/** Streams between servers over TCP, with TLS where it is configured. Listening at the host '' means all addresses. */
export class TcpNetwork implements PeerNetwork {
  readonly #options: TcpNetworkOptions;

  constructor(options: TcpNetworkOptions) {
    this.#options = options;
  }

  listen(
    at: Endpoint,
    accepted: (stream: PeerStream) => PeerStreamHandler,
    listening: (error: Error | null) => void,
  ): () => void {
    const { failed, secure } = this.#options;
    let stopped = false;
    let told = false;
    const take = (socket: Socket, isSecure: boolean, remote: Endpoint): void => {
      if (stopped) socket.destroy();
      else new TcpStream(socket, remote, isSecure, accepted).start();
    };
    const acceptor =
      secure === undefined || secure === null
        ? null
        : new TlsAcceptor({
            tls: secure.tls,
            acceptPlain: secure.acceptPlain,
            detectionTimeoutMs: secure.detectionTimeoutMs,
            handshakeTimeoutMs: limits.handshakeMs,
            mostHandshakes: MAX_HANDSHAKES,
          });
    const server = createServer({ noDelay: true }, (socket) => {
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      const remote = { host: plainAddress(socket), port: socket.remotePort ?? 0 };
      if (acceptor === null) take(socket, false, remote);
      else
        acceptor.accept(socket, {
          accepted: (ready, isSecure) => take(ready, isSecure, remote),
          failed: (error) => {
            if (error instanceof TooManyHandshakes) return;
            failed(new Error(`TLS with ${remote.host}:${remote.port}: ${error.message}`, { cause: error }));
          },
        });
    });
    const tell = (error: Error | null): void => {
      if (stopped || told) return;
      told = true;
      listening(error);
    };
    server.on('error', (error) => {
      if (!told) tell(error);
      else if (!stopped) failed(new Error(`accepting at ${at.host}:${at.port}: ${error.message}`, { cause: error }));
    });
    server.listen(at.host === '' ? { port: at.port } : { host: at.host, port: at.port }, () => tell(null));
    return () => {
      stopped = true;
      acceptor?.stop();
      // Closing a server that never came to listen is an error that means nothing here.
      server.close(() => {});
    };
  }

  connect(to: Endpoint, timeoutMs: number, handler: PeerStreamHandler): PeerStream {
    const { secure } = this.#options;
    if (secure?.outgoing !== true) {
      const socket = connect({ host: to.host, port: to.port });
      const stream = new TcpStream(socket, to, false, () => handler);
      limitTime(socket, stream, to, timeoutMs, 'connect', () => stream.start());
      return stream;
    }
    const { tls } = secure;
    const socket: TLSSocket = connectTls({ host: to.host, port: to.port, ...tls.connectOptions() });
    const stream = new TcpStream(socket, to, true, () => handler);
    limitTime(socket, stream, to, timeoutMs, 'secureConnect', () => {
      tls.verifyServer(socket, to.host, (error) => {
        if (error === null) stream.start();
        else stream.fail(error);
      });
    });
    return stream;
  }
}

/** Fails the stream when its `event` does not come in time. */
function limitTime(
  socket: Socket,
  stream: TcpStream,
  to: Endpoint,
  timeoutMs: number,
  event: string,
  ready: () => void,
): void {
  const late = (): void => stream.fail(new Error(`no connection to ${to.host}:${to.port} within ${timeoutMs} ms`));
  const timer = setTimeout(late, timeoutMs);
  socket.once('close', () => clearTimeout(timer));
  socket.once(event, () => {
    clearTimeout(timer);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    ready();
  });
}

/** The peer's address; IPv4 in dotted form also when it came in over an IPv6 socket. */
function plainAddress(socket: Socket): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=.*\.)/, '');
}

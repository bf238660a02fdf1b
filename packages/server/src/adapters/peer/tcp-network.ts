import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Endpoint, PeerNetwork, PeerStream, PeerStreamHandler } from '../../ports.ts';
import { TcpStream } from './tcp-stream.ts';

/** An idle connection is probed by the operating system after this long, so that a dead one is noticed. */
const KEEP_ALIVE_MS = 10_000;

export interface TcpNetworkOptions {
  /** Told of accepts that failed, for lack of descriptors for instance. The port goes on listening. */
  readonly failed: (error: Error) => void;
}

/** Streams between servers over TCP. Listening at the host '' means all addresses of the machine. */
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
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket, accepted));
    let stopped = false;
    let told = false;
    const tell = (error: Error | null): void => {
      if (stopped || told) return;
      told = true;
      listening(error);
    };
    server.on('error', (error) => {
      if (!told) tell(error);
      else if (!stopped) this.#options.failed(error);
    });
    server.listen(at.host === '' ? { port: at.port } : { host: at.host, port: at.port }, () => tell(null));
    return () => {
      stopped = true;
      closeServer(server);
    };
  }

  connect(to: Endpoint, timeoutMs: number, handler: PeerStreamHandler): PeerStream {
    const socket = connect({ host: to.host, port: to.port, noDelay: true });
    const stream = new TcpStream(socket, to);
    const timer = setTimeout(
      () => stream.fail(new Error(`no connection to ${to.host}:${to.port} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    socket.once('close', () => clearTimeout(timer));
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      handler.opened();
    });
    stream.attach(handler);
    return stream;
  }

  #accept(socket: Socket, accepted: (stream: PeerStream) => PeerStreamHandler): void {
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const host = (socket.remoteAddress ?? '').replace(/^::ffff:(?=.*\.)/, '');
    const stream = new TcpStream(socket, { host, port: socket.remotePort ?? 0 });
    const handler = accepted(stream);
    stream.attach(handler);
    handler.opened();
  }
}

function closeServer(server: Server): void {
  // Closing a server that never came to listen is an error that means nothing here.
  server.close(() => {});
}

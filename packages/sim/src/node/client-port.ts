import type { Writer } from '@headkeeper/protocol';
import type { ClientLink, PeerStream, PeerStreamHandler } from '@headkeeper/server/internal';

/** Where a server takes its clients; the driver has this shape. */
export interface ClientEntrance {
  open(link: ClientLink, address: string): number;
  data(connection: number, bytes: Uint8Array): void;
  drained(connection: number): void;
  closed(connection: number): void;
}

/** A client's connection on the server's side. */
class StreamLink implements ClientLink {
  readonly port: number;
  readonly #stream: PeerStream;

  constructor(stream: PeerStream) {
    this.#stream = stream;
    this.port = stream.remote.port;
  }

  get unsentBytes(): number {
    return this.#stream.unsentBytes;
  }

  send(out: Writer): void {
    this.#stream.write(out.bytes, 0, out.length);
    out.length = 0;
  }

  close(): void {
    this.#stream.close();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }
}

/** Joins an accepted stream to the server. `contact` hears of every sign of life of the client that the server gets. */
export function joinClient(
  entrance: ClientEntrance,
  stream: PeerStream,
  contact: (connection: number) => void,
): PeerStreamHandler {
  const connection = entrance.open(new StreamLink(stream), stream.remote.host);
  return {
    opened: () => {},
    data: (bytes) => {
      contact(connection);
      entrance.data(connection, bytes);
    },
    drained: () => entrance.drained(connection),
    closed: () => entrance.closed(connection),
  };
}

import type { MemoryNetwork } from '@headkeeper/testkit';
import type { Endpoint, PeerStream, PeerStreamHandler } from '../../src/ports.ts';

/** A host that says exactly the bytes it is told, on every connection it makes or accepts. */
export class RawPeer {
  /** Connections that ended. */
  ended = 0;
  readonly #network: MemoryNetwork;
  readonly #host: string;
  readonly #streams: PeerStream[] = [];
  readonly #chunks: Buffer[] = [];

  constructor(network: MemoryNetwork, host: string) {
    this.#network = network;
    this.#host = host;
  }

  listen(port: number): () => void {
    return this.#network.on(this.#host).listen(
      { host: this.#host, port },
      (stream) => {
        this.#streams.push(stream);
        return this.#handler(() => {});
      },
      () => {},
    );
  }

  connect(to: Endpoint, bytes: Uint8Array): void {
    const stream = this.#network.on(this.#host).connect(
      to,
      60_000,
      this.#handler(() => stream.write(bytes, 0, bytes.length)),
    );
    this.#streams.push(stream);
  }

  write(bytes: Uint8Array): void {
    for (const stream of this.#streams) stream.write(bytes, 0, bytes.length);
  }

  received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  pause(): void {
    for (const stream of this.#streams) stream.pause();
  }

  resume(): void {
    for (const stream of this.#streams) stream.resume();
  }

  hangUp(): void {
    for (const stream of this.#streams.splice(0)) stream.close();
  }

  #handler(opened: () => void): PeerStreamHandler {
    return {
      opened,
      data: (bytes) => {
        this.#chunks.push(Buffer.from(bytes));
      },
      drained: () => {},
      closed: () => {
        this.ended++;
      },
    };
  }
}

/** An initial message with a version, of any content. */
export function initial(version: number, sid: number, text: string): Buffer {
  const bytes = Buffer.alloc(20 + Buffer.byteLength(text));
  bytes.writeBigInt64BE(BigInt(version), 0);
  bytes.writeBigInt64BE(BigInt(sid), 8);
  bytes.writeInt32BE(Buffer.byteLength(text), 16);
  bytes.write(text, 20);
  return bytes;
}

/** The initial message of 3.4. */
export function bareInitial(sid: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(sid));
  return bytes;
}

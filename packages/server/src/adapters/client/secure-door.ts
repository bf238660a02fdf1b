import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Identity } from '@headkeeper/protocol';
import { TlsAcceptor, TooManyHandshakes } from '../tls/tls-acceptor.ts';
import type { TlsContext } from '../tls/tls-context.ts';

const NOBODY: readonly Identity[] = Object.freeze([]);

export interface SecureDoorOptions {
  readonly tls: TlsContext;
  /** Whether connections without TLS are taken, too. */
  readonly acceptPlain: boolean;
  readonly detectionTimeoutMs: number;
  /** A handshake that takes longer ends the connection. */
  readonly handshakeTimeoutMs: number;
  /** Handshakes under way at a time; for one more the oldest is given up. */
  readonly mostHandshakes: number;
  /** Who the client with this certificate (DER) is; null: nobody that is let in. */
  readonly identitiesOf: (certificate: Buffer) => readonly Identity[] | null;
  /** Whether it is worth the work of a handshake: a server that does not serve may say no. */
  readonly admits: () => boolean;
  /** Told of a client that was not let in. */
  readonly failed: (address: string, error: Error) => void;
}

/** Counts of TLS on one port since the start, and of the handshakes under way. */
export interface HandshakeCounts {
  readonly outstanding: number;
  readonly unsuccessful: number;
  /** Handshakes given up because too many were under way. */
  readonly exceeded: number;
}

/** TLS in front of a client port: a connection is let in once its handshake is done and its certificate is believed. */
export class SecureDoor {
  readonly #options: SecureDoorOptions;
  readonly #acceptor: TlsAcceptor;
  #unsuccessful = 0;
  #exceeded = 0;

  constructor(options: SecureDoorOptions) {
    this.#options = options;
    this.#acceptor = new TlsAcceptor({
      tls: options.tls,
      acceptPlain: options.acceptPlain,
      detectionTimeoutMs: options.detectionTimeoutMs,
      handshakeTimeoutMs: options.handshakeTimeoutMs,
      mostHandshakes: options.mostHandshakes,
    });
  }

  get counts(): HandshakeCounts {
    return {
      outstanding: this.#acceptor.outstanding,
      unsuccessful: this.#unsuccessful,
      exceeded: this.#exceeded,
    };
  }

  /** Calls `take` with the socket to talk to and what its client has proved, or `gone` once it is refused or has left. */
  accept(
    raw: Socket,
    address: string,
    take: (socket: Socket, identities: readonly Identity[], hasCertificate: boolean) => void,
    gone: () => void,
  ): void {
    const { identitiesOf, admits, failed } = this.#options;
    if (!admits()) {
      raw.destroy();
      gone();
      return;
    }
    this.#acceptor.accept(raw, {
      accepted: (socket) => {
        const certificate = certificateOf(socket);
        const identities = certificate === null ? NOBODY : identitiesOf(certificate);
        if (identities !== null) {
          take(socket, identities, certificate !== null);
          return;
        }
        this.#unsuccessful++;
        failed(address, new Error('its certificate makes no identity'));
        socket.destroy();
        gone();
      },
      failed: (error) => {
        if (error instanceof TooManyHandshakes) this.#exceeded++;
        else this.#unsuccessful++;
        failed(address, error);
        gone();
      },
    });
  }

  /** Drops the handshakes that are under way. */
  stop(): void {
    this.#acceptor.stop();
  }
}

/** The certificate that the client has shown, and that has been found good; null: none. */
function certificateOf(socket: Socket): Buffer | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
  return socket.getPeerX509Certificate()?.raw ?? null;
}

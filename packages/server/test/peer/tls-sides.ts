import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { freePort } from '@headkeeper/testkit';
import { TcpNetwork, type TcpNetworkOptions } from '../../src/adapters/peer/tcp-network.ts';
import { TlsContext, type TlsContextOptions } from '../../src/adapters/tls/tls-context.ts';
import type { StoreFile } from '../../src/adapters/tls/tls-stores.ts';
import type { Endpoint } from '../../src/ports.ts';
import { Recorder, until } from './stream-recorder.ts';

/** A store of the vectors. */
export function store(name: string, password: string | null = null): StoreFile {
  return { path: fileURLToPath(import.meta.resolve(`@headkeeper/testkit/vectors/tls/${name}`)), password, type: null };
}

/** TLS with the vectors' certificates, as strict as it gets. */
export function tls(options: Partial<TlsContextOptions> = {}): TlsContext {
  return new TlsContext({
    keyStore: store('server.pem'),
    trustStore: store('trust.pem'),
    revocationLists: null,
    protocols: ['TLSv1.2', 'TLSv1.3'],
    cipherSuites: null,
    clientAuth: 'need',
    hostnameVerification: true,
    clientHostnameVerification: true,
    memberHosts: () => [],
    reverseDnsLookup: false,
    ...options,
  });
}

export interface Side {
  readonly tls?: TlsContext;
  readonly outgoing?: boolean;
  readonly acceptPlain?: boolean;
}

/** One side of a connection. */
export class Server {
  readonly failures: string[] = [];
  readonly accepted: Recorder[] = [];
  readonly network: TcpNetwork;
  at: Endpoint = { host: '127.0.0.1', port: 0 };
  stop: () => void = () => {};

  constructor(side: Side) {
    const options: TcpNetworkOptions = { failed: (error) => this.failures.push(error.message) };
    this.network = new TcpNetwork(
      side.tls === undefined
        ? options
        : {
            ...options,
            secure: {
              tls: side.tls,
              outgoing: side.outgoing ?? true,
              acceptPlain: side.acceptPlain ?? false,
              detectionTimeoutMs: 100,
            },
          },
    );
  }

  async listen(): Promise<void> {
    this.at = { host: '127.0.0.1', port: await freePort() };
    const error = await new Promise<Error | null>((resolve) => {
      this.stop = this.network.listen(
        this.at,
        (stream) => {
          const recorder = new Recorder();
          recorder.stream = stream;
          this.accepted.push(recorder);
          return recorder;
        },
        resolve,
      );
    });
    assert.equal(error, null);
  }

  connect(to: Endpoint): Recorder {
    const recorder = new Recorder();
    recorder.stream = this.network.connect(to, 5_000, recorder);
    return recorder;
  }
}

/** Whether bytes go both ways between the two; the reasons when they do not. */
export async function talk(from: Side, to: Side, host = '127.0.0.1'): Promise<{ ok: boolean; reasons: string[] }> {
  const [client, server] = [new Server(from), new Server(to)];
  await server.listen();
  const end = client.connect({ host, port: server.at.port });
  end.whenOpen = () => end.stream?.write(Buffer.from('hello'), 0, 5);
  await until(() => server.accepted[0]?.received().toString() === 'hello' || end.ends.length > 0);
  const ok = end.ends.length === 0;
  if (ok) {
    const large = Buffer.alloc(500_000, 3);
    server.accepted[0]?.stream?.write(large, 0, large.length);
    await until(() => end.received().equals(large));
  }
  end.stream?.destroy();
  server.stop();
  await until(() => ok || server.failures.length > 0 || server.accepted.every(({ ends }) => ends.length > 0));
  return { ok, reasons: [...end.ends.map((error) => error?.message ?? ''), ...server.failures] };
}

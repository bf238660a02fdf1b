import {
  type AssembledServer,
  assembleServer,
  type Disk,
  type FatalExit,
  lockFolder,
  type OpenClientPort,
  type OpenLogins,
  openClientPort,
  openLogins,
  type ServerConfig,
  type ServerLog,
  type ServerPorts,
  TcpNetwork,
} from '@headkeeper/server/embedding';
import { ClientDesk } from '../clients/client-desk.ts';
import { ServerDisk } from '../disk/server-disk.ts';
import { Gate } from '../gate.ts';
import { ServerNetwork } from '../network/server-network.ts';
import type { Switchboard } from '../network/switchboard.ts';
import { LifeTimers } from '../time/life-timers.ts';
import type { TestTime } from '../time/test-time.ts';

/** What a server is made of, whatever becomes of its processes. */
export interface NodeParts {
  readonly config: ServerConfig;
  readonly disk: Disk;
  /** Whether the disk is the machine's, so that other processes must be kept off the folder. */
  readonly isReal: boolean;
  readonly time: TestTime;
  /** null: a standalone server. */
  readonly switchboard: Switchboard | null;
  readonly log: ServerLog;
}

/** How long a stopping server waits for its last replies to leave. */
const DRAIN_MS = 1000;
const NO_LOCK = { release: (): void => {} };

/** One process of a server, so to speak: from its start to its end, however that comes. */
export class Life {
  readonly server: AssembledServer;
  readonly disk: ServerDisk;
  readonly desk: ClientDesk;
  /** Resolves when the server can no longer do its duty. */
  readonly failed: Promise<FatalExit>;
  readonly #parts: NodeParts;
  readonly #gate: Gate = new Gate();
  readonly #clientGate: Gate = new Gate();
  readonly #timers: LifeTimers;
  readonly #network: ServerNetwork | TcpNetwork;
  readonly #logins: OpenLogins | null;
  #port: OpenClientPort | null = null;

  /** @throws StartError when the folder cannot be used, ConfigError when a file that the configuration names cannot. */
  constructor(parts: NodeParts) {
    const { config, time, switchboard, log } = parts;
    const gate = this.#gate;
    this.#parts = parts;
    this.#logins = openLogins(config, log);
    this.disk = new ServerDisk(parts.disk, gate);
    this.#timers = new LifeTimers(time, gate);
    const tcp = new TcpNetwork({ failed: (error) => log.warn({}, error.message) });
    this.#network =
      switchboard === null || config.ensemble === null
        ? tcp
        : new ServerNetwork(config.ensemble.sid, switchboard, tcp, this.#timers, gate);
    let fail: (fatal: FatalExit) => void = () => {};
    this.failed = new Promise((resolve) => {
      fail = resolve;
    });
    const ports: ServerPorts = {
      disk: this.disk,
      clock: time,
      timers: this.#timers,
      network: this.#network,
      lock: parts.isReal ? lockFolder : () => NO_LOCK,
      defer: (fn) => {
        setImmediate(() => gate.pass(fn));
      },
      preciseMs: () => performance.now(),
      logins: this.#logins,
      hashSeed: Math.floor(Math.random() * 0x7fffffff),
      log,
    };
    try {
      this.server = assembleServer(config, ports, (fatal) => {
        // Nothing of what it would still do may reach the disk or a client.
        gate.end();
        fail(fatal);
      });
    } catch (error) {
      this.#logins?.stop();
      this.#endNetwork();
      throw error;
    }
    this.desk = new ClientDesk(this.server.driver, this.#clientGate);
  }

  /** Begins to serve. Rejects with StartError when it fails or the port cannot be had; the life must be ended then, too. */
  async open(): Promise<void> {
    const { config, log } = this.#parts;
    const { server } = this;
    this.#port = await openClientPort(config, log, server, this.failed, this.desk);
    this.#timers.every(config.tickTimeMs, () => server.driver.tick());
    // Logs must not grow for as long as the tests run.
    server.watchSnapshots(() => server.purge());
  }

  /** Nothing that the world does reaches it any more, until `resume`. */
  pause(): void {
    this.#gate.shut();
    this.holdClients();
    if (this.#network instanceof ServerNetwork) this.#network.update();
  }

  resume(): void {
    this.#gate.open();
    if (this.#network instanceof ServerNetwork) this.#network.update();
    this.releaseClients();
  }

  /** What clients send waits. */
  holdClients(): void {
    this.#clientGate.shut();
    this.desk.hold();
  }

  releaseClients(): void {
    this.#clientGate.open();
    this.desk.release();
  }

  dropClients(): void {
    this.desk.dropWaiting();
    this.#port?.dropAll();
  }

  /** Ends in order: what is logged is acknowledged, and the last replies leave. Rejects with the disk's error. */
  async stop(): Promise<void> {
    const stopping = new Promise<Error | null>((resolve) => this.server.driver.stop(resolve));
    this.#port?.stop();
    const error = await Promise.race([stopping, this.failed.then(() => null)]);
    this.desk.dropWaiting();
    await this.#port?.drain(DRAIN_MS);
    await this.kill();
    if (error !== null) throw error;
  }

  /** Ends at once, as by SIGKILL. */
  async kill(): Promise<void> {
    this.#gate.end();
    this.#clientGate.end();
    this.#timers.end();
    this.#logins?.stop();
    this.#port?.stop();
    this.dropClients();
    this.#endNetwork();
    await this.disk.end();
    this.server.dataDir.release();
  }

  #endNetwork(): void {
    if (this.#network instanceof ServerNetwork) this.#network.end();
  }
}

import { decodeUtf8, encodeUtf8 } from '@headkeeper/protocol';
import {
  type AssembledServer,
  assembleServer,
  ConfigError,
  type FatalExit,
  parseServerConfig,
  type ServerConfig,
  type ServerPorts,
  StartError,
} from '@headkeeper/server/internal';
import {
  type CrashKind,
  deriveSeed,
  type RandomStream,
  SECTOR_BYTES,
  SimDisk,
  SimulatedCrash,
  SimulatedDiskError,
} from '@headkeeper/testkit';
import type { Host } from '../network/host.ts';
import type { SimNetwork } from '../network/sim-network.ts';
import type { Stream } from '../network/stream.ts';
import { EventKind } from '../world/event-queue.ts';
import { MS, type World } from '../world/world.ts';
import { joinClient } from './client-port.ts';
import { CLIENT_PORT, CONFIG_DIR, CONFIG_FILE, DATA_DIR, LOG_DIR, type NodeSettings } from './node-settings.ts';
import { SimClock } from './sim-clock.ts';

/** How a server's process ends: by SIGKILL, or with its machine's power and what of the disk's cache survives that. */
export type NodeEnd = 'killed' | CrashKind;

export interface NodeObserver {
  /** A process is about to start on the disk. */
  starting(node: SimNode): void;
  /** It has read the disk, and heard nobody yet. It may have ended by that. */
  started(node: SimNode): void;
  /** The process has ended, as the faults wanted, or (`fatal`) by itself. */
  ended(node: SimNode, end: NodeEnd | 'stopped' | 'fatal', fatal: FatalExit | null): void;
  /** After everything that the node does. */
  acted(node: SimNode): void;
  /** The server has written a line of its log that is no warning and no error. */
  noted(node: SimNode, text: string): void;
  /** The server has logged an error. */
  complained(node: SimNode, text: string): void;
  /** The machine must decide what its cache loses. */
  crashKind(node: SimNode): CrashKind;
}

/** What the command line ends with when a configuration cannot be served (docs/reference/exit-codes.md). */
const EXIT_CONFIG = 2;
const MYID_PATH = `${DATA_DIR}/myid`;
/** The log, without the file that becomes its next one. */
const LOG_FILES = `${LOG_DIR}/version-2/log.`;
const NO_LOCK = { release: (): void => {} };
const SESSION_KEY_PATH = `${DATA_DIR}/headkeeper.session-key`;

/** One machine with a server on it: the production core, driver and disk adapters over simulated ports. */
export class SimNode {
  readonly settings: NodeSettings;
  readonly world: World;
  readonly network: SimNetwork;
  readonly host: Host;
  readonly disk: SimDisk;
  readonly clock: SimClock;
  readonly random: RandomStream;
  readonly #observer: NodeObserver;
  /** Null while no process runs. */
  server: AssembledServer | null = null;
  /** Whether the server takes clients. */
  isReady = false;
  isPaused = false;
  /** Counts the processes. */
  life = 0;
  /** When the present process began, or the last one ended. */
  since = 0;
  /** When anything last was unusual about this machine. */
  lastTrouble = 0;
  /** When the process last went on that had stood still. */
  resumedAt = 0;
  /** The disk takes this many times as long as usual. */
  diskSlowness = 1;
  /** In a million: how often the machine crashes before an operation of its disk. */
  crashChance = 0;
  /** In a million, for each whole sector of a write: how often the machine crashes right behind it, before anything is synced. */
  tearChance = 0;
  /** So many operations of the disk later one fails; 0: none does. */
  failsIn = 0;
  /** So many syncs of files later one fails; 0: none does. */
  syncFailsIn = 0;
  /** Whether an operation of the disk has failed since this process began: then it may end by itself. */
  diskHasFailed = false;
  #held: (() => void)[] = [];
  #deferred: (() => void)[] = [];
  #turnScheduled = false;
  #isStopping = false;
  #diskScheduled = false;
  #stopListening: (() => void) | null = null;
  #dispatching = 0;
  /** The configuration that was parsed last, and what was read for it. */
  #parsed: { readonly config: ServerConfig; readonly read: readonly [path: string, text: string | null][] } | null =
    null;
  /** Clients' connections by number, for whoever wants to know who spoke last. */
  onContact: (stream: Stream) => void = () => {};

  constructor(world: World, network: SimNetwork, settings: NodeSettings, observer: NodeObserver) {
    this.world = world;
    this.network = network;
    this.settings = settings;
    this.#observer = observer;
    const name = `node ${settings.sid}`;
    this.random = world.stream(name);
    this.clock = new SimClock(world, settings.driftMillionths);
    this.disk = new SimDisk(deriveSeed(world.seed, `disk ${settings.sid}`));
    this.host = network.addHost(settings.address, { dispatch: (action) => this.dispatch(action) });
    this.host.isDying = () => this.disk.crashed;
    this.#prepareDisk();
    this.disk.refused = () => {
      this.diskHasFailed = true;
    };
    this.disk.beforeOperation = (count, operation, path, bytes) => {
      this.world.trace.mix(this.host.index * 16_777_216 + count);
      if (this.failsIn > 0 && --this.failsIn === 0) {
        this.diskHasFailed = true;
        throw new SimulatedDiskError('EIO', operation, path);
      }
      if (operation === 'sync' && this.syncFailsIn > 0 && --this.syncFailsIn === 0) {
        this.diskHasFailed = true;
        throw new SimulatedDiskError('EIO', operation, path);
      }
      if (this.crashChance > 0 && this.random.chance(this.crashChance)) {
        this.disk.crashAt(this.disk.operations + 1);
      }
      const sectors = path.startsWith(LOG_FILES) ? Math.floor(bytes / SECTOR_BYTES) : 0;
      if (this.tearChance > 0 && sectors > 0 && this.random.chance(this.tearChance * sectors)) {
        this.disk.crashAt(this.disk.operations + 1);
      }
    };
  }

  get sid(): number {
    return this.settings.sid;
  }

  get isUp(): boolean {
    return this.server !== null;
  }

  /** Starts the process on the disk as it is. */
  start(): void {
    if (this.server !== null) throw new Error(`server ${this.sid} runs already`);
    this.life++;
    this.diskHasFailed = false;
    // The step in which the process before ended itself may have left something.
    this.#forgetProcess();
    this.since = this.world.now;
    this.lastTrouble = this.world.now;
    this.host.powered = true;
    this.#observer.starting(this);
    const before = this.#enter();
    try {
      this.#assemble();
    } catch (error) {
      this.#refused(error as Error);
    } finally {
      this.#leave(before);
    }
    if (!this.disk.crashed) this.#observer.started(this);
    this.#after();
  }

  /** Ends the process at once. */
  end(how: NodeEnd): void {
    if (this.server === null && how === 'killed') return;
    this.#drop();
    if (how === 'killed') {
      this.disk.endProcess();
      this.network.endProcess(this.host, 'exit');
    } else {
      this.disk.crash(how, this.random.next());
      this.network.endProcess(this.host, 'power');
    }
    this.#observer.ended(this, how, null);
  }

  /** The machine gets a new, empty disk; no process may run. */
  wipe(): void {
    if (this.server !== null) throw new Error(`server ${this.sid} runs`);
    this.disk.wipe();
    // The new disk is made ready by somebody who does not crash.
    const { beforeOperation } = this.disk;
    this.disk.beforeOperation = null;
    this.#prepareDisk();
    this.disk.beforeOperation = beforeOperation;
  }

  /** Asks the server to stop in order; it ends when it has. */
  stopOrderly(): void {
    const { server, life } = this;
    if (server === null || this.#isStopping) return;
    this.#isStopping = true;
    this.dispatch(() => {
      this.#stopListening?.();
      this.#stopListening = null;
      server.driver.stop(() => {
        if (this.life !== life || this.server === null) return;
        // What was sent last leaves before the process does.
        this.world.after(10 * MS, EventKind.life, this.host.index, () => {
          if (this.life !== life || this.server === null) return;
          this.#drop();
          this.disk.endProcess();
          this.network.endProcess(this.host, 'exit');
          this.#observer.ended(this, 'stopped', null);
        });
      });
    });
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.resumedAt = this.world.now;
    const held = this.#held;
    this.#held = [];
    for (const action of held) {
      this.world.after(0, EventKind.life, this.host.index, () => this.dispatch(action));
    }
  }

  /** Runs something inside the server's process: at once, when it goes on, or never. */
  dispatch(action: () => void): void {
    if (this.server === null) return;
    if (this.isPaused) {
      const { life } = this;
      this.#held.push(() => {
        if (this.life === life) action();
      });
      return;
    }
    const before = this.#enter();
    try {
      action();
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) throw error;
    } finally {
      this.#leave(before);
    }
    this.#after();
  }

  #enter(): number {
    const before = this.world.actor;
    this.world.actor = this.host.index;
    this.#dispatching++;
    return before;
  }

  #leave(before: number): void {
    this.world.actor = before;
    this.#dispatching--;
  }

  #after(): void {
    if (this.#dispatching > 0) return;
    if (this.disk.crashed) {
      // What the step has sent has left before the disk stopped.
      if (this.server !== null) this.#observer.acted(this);
      this.end(this.#observer.crashKind(this));
      return;
    }
    this.#pumpDisk();
    this.#observer.acted(this);
  }

  #drop(): void {
    this.life++;
    this.failsIn = 0;
    this.syncFailsIn = 0;
    this.since = this.world.now;
    this.lastTrouble = this.world.now;
    this.server = null;
    this.isReady = false;
    this.isPaused = false;
    this.#forgetProcess();
  }

  #forgetProcess(): void {
    this.#isStopping = false;
    this.#held = [];
    this.#deferred = [];
    this.#turnScheduled = false;
    this.#diskScheduled = false;
    this.#stopListening = null;
  }

  #assemble(): void {
    const { settings, life } = this;
    const server = assembleServer(this.#parseConfig(), this.#ports(), (fatal) => {
      if (this.life === life && !this.disk.crashed) this.#fatal(fatal);
    });
    this.server = server;
    server.begin(() => {
      if (this.life === life) this.#serve(server);
    });
    this.#tick(life);
    if (settings.purgeMs > 0) this.#purge(life);
  }

  #parseConfig(): ServerConfig {
    const { settings } = this;
    const { relisted } = settings;
    if (relisted === null) return this.#configOf(settings.config);
    const readFile = (path: string): string | null => this.#text(path);
    const file = `${CONFIG_DIR}/${CONFIG_FILE}`;
    const parse = (): ServerConfig =>
      this.#withSmallWindow(parseServerConfig(this.#text(file) as string, { file, properties: [], readFile }));
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('lists itself, too')) throw error;
      this.#writeConfig(relisted());
      return parse();
    }
  }

  /** Parsed again only when a file that it refers to has changed: servers start often. */
  #configOf(text: string): ServerConfig {
    const before = this.#parsed;
    if (before?.read.every(([path, content]) => this.#text(path) === content)) return before.config;
    const read: [string, string | null][] = [];
    const readFile = (path: string): string | null => {
      if (path === MYID_PATH) return `${this.sid}`;
      const content = this.#text(path);
      read.push([path, content]);
      return content;
    };
    const config = this.#withSmallWindow(parseServerConfig(text, { file: null, properties: [], readFile }));
    this.#parsed = { config, read };
    return config;
  }

  /** Production has a least window; a small one makes learners need the log on the disk, or everything. */
  #withSmallWindow(config: ServerConfig): ServerConfig {
    return { ...config, commitLogCount: this.settings.commitLogCount };
  }

  /** Of a file that belongs to the configuration; null without one. */
  #text(path: string): string | null {
    const { disk } = this;
    if (!disk.existsSync(path)) return null;
    const source = disk.openReadSync(path);
    try {
      const bytes = new Uint8Array(source.size);
      const length = source.readSync(bytes, 0, bytes.length, 0);
      return decodeUtf8(bytes, 0, length);
    } catch (error) {
      if (!(error instanceof SimulatedDiskError)) throw error;
      throw new ConfigError([`${path}: ${error.message}`]);
    } finally {
      source.closeSync();
    }
  }

  #writeConfig(text: string): void {
    const { disk } = this;
    const path = `${CONFIG_DIR}/${CONFIG_FILE}`;
    const draft = `${path}.new`;
    if (disk.existsSync(draft)) disk.removeSync(draft);
    const bytes = encodeUtf8(text);
    const file = disk.createSync(draft);
    file.writeSync(bytes, 0, bytes.length, 0);
    file.dataSyncSync();
    file.closeSync();
    disk.renameSync(draft, path);
    disk.syncDirSync(CONFIG_DIR);
  }

  #serve(server: AssembledServer): void {
    this.isReady = true;
    const at = { host: this.settings.address, port: CLIENT_PORT };
    this.#stopListening = this.network.portOf(this.host).listen(
      at,
      (stream) => {
        return joinClient(server.driver, stream, (connection) => {
          // What comes behind the server's own end of a connection is not for it.
          const isOver = server.replica.serving.connections[connection]?.state === 'closing';
          if (!isOver) this.onContact(stream as Stream);
        });
      },
      () => {},
    );
  }

  #purge(life: number): void {
    const delay = this.random.wait(this.settings.purgeMs * MS);
    this.world.after(delay, EventKind.timer, this.host.index, () => {
      if (this.life !== life) return;
      this.#purge(life);
      this.dispatch(() => this.server?.purge());
    });
  }

  #tick(life: number): void {
    const delay = this.clock.toVirtual(this.settings.tickTimeMs);
    this.world.after(delay + this.random.wait(this.settings.timerLateness), EventKind.timer, this.host.index, () => {
      if (this.life !== life) return;
      this.#tick(life);
      this.dispatch(() => this.server?.driver.tick());
    });
  }

  #ports(): ServerPorts {
    return {
      disk: this.disk,
      clock: this.clock,
      timers: { set: (delayMs, fn) => this.#setTimer(delayMs, fn) },
      network: this.network.portOf(this.host),
      lock: () => NO_LOCK,
      defer: (fn) => this.#defer(fn),
      preciseMs: () => this.clock.preciseMs(),
      logins: null,
      hashSeed: this.random.next() | 0,
      log: {
        info: (_facts, text) => {
          this.world.tell(() => `${this.sid}: ${text}`);
          this.#observer.noted(this, text);
        },
        warn: (facts, text) => this.world.tell(() => `${this.sid} warns: ${text} ${JSON.stringify(facts)}`),
        error: (facts, text) => {
          this.world.tell(() => `${this.sid} error: ${text} ${JSON.stringify(facts)}`);
          if (!this.disk.crashed) this.#observer.complained(this, text);
        },
      },
    };
  }

  /** Timers are late, never early. */
  #setTimer(delayMs: number, fn: () => void): () => void {
    const { life } = this;
    const delay = this.clock.toVirtual(delayMs) + this.random.wait(this.settings.timerLateness);
    const handle = this.world.after(delay, EventKind.timer, this.host.index, () => {
      if (this.life === life) this.dispatch(fn);
    });
    return () => this.world.cancel(handle);
  }

  /** What is deferred happens at the end of this turn of the loop. */
  #defer(fn: () => void): void {
    this.#deferred.push(fn);
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    const { life } = this;
    this.world.after(this.random.wait(this.settings.turnDelay), EventKind.turn, this.host.index, () => {
      if (this.life !== life) return;
      this.dispatch(() => {
        this.#turnScheduled = false;
        const deferred = this.#deferred;
        this.#deferred = [];
        for (const deferredCall of deferred) {
          // A process that has ended itself does nothing more.
          if (this.life === life) deferredCall();
        }
      });
    });
  }

  #pumpDisk(): void {
    if (this.#diskScheduled || this.disk.pending === 0 || this.server === null) return;
    this.#diskScheduled = true;
    const { life } = this;
    const delay = this.random.wait(this.settings.diskDelay * this.diskSlowness);
    this.world.after(delay, EventKind.disk, this.host.index, () => {
      if (this.life !== life) return;
      this.dispatch(() => {
        this.#diskScheduled = false;
        this.disk.step();
      });
    });
  }

  #refused(error: Error): void {
    if (error instanceof SimulatedCrash || this.disk.crashed) return;
    if (error instanceof ConfigError) this.#fatal({ exitCode: EXIT_CONFIG, message: error.message });
    else if (error instanceof StartError) this.#fatal({ exitCode: error.exitCode, message: error.message });
    else throw error;
  }

  #fatal(fatal: FatalExit): void {
    this.world.tell(() => `${this.sid} ends by itself: ${fatal.message}`);
    this.#drop();
    this.disk.endProcess();
    this.network.endProcess(this.host, 'exit');
    this.#observer.ended(this, 'fatal', fatal);
  }

  /** The secret is drawn from the seed, as if an operator had copied it to all servers. */
  #prepareDisk(): void {
    const { disk, settings } = this;
    const hasConfig = settings.relisted !== null;
    for (const folder of [DATA_DIR, LOG_DIR]) disk.makeFolderSync(folder);
    if (hasConfig) disk.makeFolderSync(CONFIG_DIR);
    disk.syncDirSync('/');
    if (hasConfig) this.#writeConfig(settings.config);
    this.#make(SESSION_KEY_PATH, settings.sessionKey);
    if (hasConfig) this.#make(MYID_PATH, encodeUtf8(`${settings.sid}\n`));
    disk.syncDirSync(DATA_DIR);
  }

  #make(path: string, bytes: Uint8Array): void {
    const file = this.disk.createSync(path);
    file.writeSync(bytes, 0, bytes.length, 0);
    file.dataSyncSync();
    file.closeSync();
  }
}

import type { ClientPorts, Link, LinkListener, Timer } from '@headkeeper/client/internal';
import type { RandomStream } from '@headkeeper/testkit';
import type { Host } from '../network/host.ts';
import type { SimNetwork } from '../network/sim-network.ts';
import type { Stream } from '../network/stream.ts';
import { CLIENT_PORT } from '../node/node-settings.ts';
import { SimClock } from '../node/sim-clock.ts';
import { EventKind } from '../world/event-queue.ts';
import { MS, SECOND, type World } from '../world/world.ts';
import { RequestTap, type TapContext, type TappedClient } from './request-tap.ts';

/** What differs from machine to machine. */
export interface ClientSettings {
  readonly name: string;
  readonly address: string;
  readonly driftMillionths: number;
  /** How late timers fire on average, microseconds. */
  readonly timerLateness: number;
}

/** How long a closed stream may still send what was written. */
const LINGER = SECOND / 2;
/** A name server takes so long, on average. */
const LOOK_UP = MS;

/** A machine with a program on it that uses the production client: one process at a time, which may be stopped or killed. */
export class ClientNode implements TappedClient {
  readonly name: string;
  readonly address: string;
  readonly world: World;
  readonly host: Host;
  readonly random: RandomStream;
  readonly clock: SimClock;
  readonly #network: SimNetwork;
  readonly #taps: TapContext;
  readonly #timerLateness: number;
  session: { readonly id: bigint; readonly timeoutMs: number } | null = null;
  server: string | null = null;
  seen = 0;
  told = 0;
  isUp = false;
  isPaused = false;
  /** When the process began, or went on after a pause. */
  runsSince = 0;
  /** In a million: how often a connection is cut behind what is written to it. */
  cutChance = 0;
  /** Connections that were cut. */
  cuts = 0;
  /** Counts the processes. */
  life = 0;
  #held: (() => void)[] = [];

  constructor(network: SimNetwork, settings: ClientSettings, taps: TapContext) {
    this.world = network.world;
    this.name = settings.name;
    this.address = settings.address;
    this.#network = network;
    this.#taps = taps;
    this.#timerLateness = settings.timerLateness;
    this.random = this.world.stream(settings.name);
    this.clock = new SimClock(this.world, settings.driftMillionths);
    this.host = network.addHost(settings.address, { dispatch: (action) => this.dispatch(action) });
  }

  /** Starts a process. */
  start(program: (ports: ClientPorts) => void): void {
    this.life++;
    this.isUp = true;
    this.runsSince = this.world.now;
    this.dispatch(() => program(this.#ports()));
  }

  /** Ends the process at once; its machine resets its connections, or is silent with it. */
  end(how: 'exit' | 'power'): void {
    if (!this.isUp) return;
    this.life++;
    this.isUp = false;
    this.isPaused = false;
    this.#held = [];
    this.session = null;
    this.server = null;
    this.seen = 0;
    this.told = 0;
    this.#network.endProcess(this.host, how);
    this.host.powered = true;
  }

  pause(): void {
    if (this.isUp) this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.runsSince = this.world.now;
    const held = this.#held;
    this.#held = [];
    // One after the other, in the order in which they came.
    held.forEach((action, i) => {
      this.world.after(i, EventKind.life, this.host.index, () => this.dispatch(action));
    });
  }

  /** Runs something inside the process: at once, when it goes on, or never. */
  dispatch(action: () => void): void {
    if (!this.isUp) return;
    if (this.isPaused) {
      this.#held.push(this.#inThisLife(action));
      return;
    }
    this.world.promises();
    action();
  }

  #inThisLife(action: () => void): () => void {
    const { life } = this;
    return () => {
      if (this.life === life) action();
    };
  }

  #ports(): ClientPorts {
    return {
      nowMs: () => this.clock.preciseMs(),
      after: (ms, call) => this.#after(ms, call),
      defer: (call) => this.world.defer(this.#inThisLife(call)),
      random: (limit) => this.random.below(limit),
      randomBytes: (count) => new Uint8Array(count).map(() => this.random.below(256)),
      resolve: (host) => this.#resolve(host),
      dial: (ip, _address, listener) => this.#dial(ip, listener),
      diagnostics: { isActive: false, trace: (_request, run) => run() },
    };
  }

  /** Timers are late, never early. */
  #after(ms: number, call: () => void): Timer {
    const delay = this.clock.toVirtual(Math.max(ms, 0)) + this.random.wait(this.#timerLateness);
    let isCancelled = false;
    const due = this.#inThisLife(() => {
      if (!isCancelled) call();
    });
    const handle = this.world.after(delay, EventKind.timer, this.host.index, () => this.dispatch(due));
    return {
      cancel: () => {
        isCancelled = true;
        this.world.cancel(handle);
      },
    };
  }

  #resolve(host: string): Promise<readonly string[]> {
    return new Promise((resolve) => {
      const answer = this.#inThisLife(() => this.dispatch(() => resolve([host])));
      this.world.after(this.random.wait(LOOK_UP), EventKind.connect, this.host.index, answer);
    });
  }

  #dial(ip: string, listener: LinkListener): Link {
    const tap = new RequestTap(this.#taps, this, ip);
    let isOver = false;
    const over = (): void => {
      isOver = true;
      tap.over();
    };
    const stream: Stream = this.#network.connect(this.host, { host: ip, port: CLIENT_PORT }, 0, {
      opened: () => {
        this.world.tell(() => `${this.name} is connected to ${ip}`);
        if (!isOver) listener.opened();
      },
      data: (bytes) => {
        if (isOver) return;
        tap.received(bytes);
        listener.received(bytes);
      },
      drained: () => {
        if (!isOver) listener.drained();
      },
      closed: (error) => {
        this.world.tell(() => `${this.name} is cut off from ${ip}: ${error?.message ?? 'in order'}`);
        if (isOver) return;
        over();
        listener.closed(error);
      },
    });
    const cutLater = (): void => {
      this.cuts++;
      const delay = this.random.wait(this.random.pick([0, 200, 2 * MS, 50 * MS]));
      this.world.after(delay, EventKind.fault, this.host.index, () => {
        if (!isOver) this.host.dispatch(() => cut(stream));
      });
    };
    return {
      write: (bytes) => {
        if (isOver) return true;
        tap.sent(bytes);
        stream.write(bytes, 0, bytes.length);
        if (this.random.chance(this.cutChance)) cutLater();
        return stream.unsentBytes === 0;
      },
      close: () => {
        if (isOver) return;
        over();
        stream.close();
        this.world.after(
          LINGER,
          EventKind.stream,
          this.host.index,
          this.#inThisLife(() => stream.destroy()),
        );
      },
    };
  }
}

/** Both sides lose the stream; what was under way may have arrived or not. */
function cut(stream: Stream): void {
  stream.outgoing?.end('reset');
  stream.closedBy('ECONNRESET');
}

import { CreateMode, ErrorCode, OpCode, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import type { CommandError } from '../../exit-codes.ts';
import type { HostPort } from '../../host-port.ts';
import { Histogram } from './histogram.ts';
import { LoadConnection, type LoadListener } from './load-connection.ts';
import type { BenchOptions } from './options.ts';

/** Requests that filling keeps in flight. */
const FILL_WINDOW = 512;

/** Drives the connections of one run and counts what they see. */
export class Load implements LoadListener {
  readonly histogram: Histogram = new Histogram();
  reads = 0;
  writes = 0;
  /** Requests answered with an error while measuring. */
  errors = 0;

  readonly #options: BenchOptions;
  readonly #servers: readonly HostPort[];
  readonly #value: Uint8Array;
  readonly #connections: LoadConnection[] = [];
  readonly #failure: Promise<never>;
  #fail: (why: CommandError) => void = () => {};
  /** What a reply leads to; each phase has its own. */
  #onReply: LoadListener['reply'] = () => {};
  #onEvent: () => void = () => {};
  #random = 0x2545f491;

  constructor(options: BenchOptions, servers: readonly HostPort[]) {
    this.#options = options;
    this.#servers = servers;
    this.#value = new Uint8Array(options.valueBytes).fill(0x76);
    this.#failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failure.catch(() => {});
  }

  reply(connection: LoadConnection, type: number, sentAt: number, error: number): void {
    this.#onReply(connection, type, sentAt, error);
  }

  event(): void {
    this.#onEvent();
  }

  lost(why: CommandError): void {
    this.#fail(why);
  }

  /** Creates the parent and, unless the mode needs none, the znodes; those that exist already are kept. */
  async prepare(): Promise<void> {
    const { mode, prefix, keys } = this.#options;
    const loader = await this.#open(0);
    const parents = prefix.split('/').slice(1);
    const paths = parents.map((_, i) => `/${parents.slice(0, i + 1).join('/')}`);
    const total = paths.length + (mode === 'create' || mode === 'connect' ? 0 : keys);
    let sent = 0;
    await this.#race((done) => {
      const more = (): void => {
        while (sent < total && loader.inFlight < FILL_WINDOW) {
          this.#create(loader, paths[sent] ?? this.#key(sent - paths.length), CreateMode.persistent);
          sent++;
        }
        if (loader.inFlight === 0) done();
      };
      this.#onReply = (_connection, _type, _sentAt, error) => {
        if (error !== 0 && error !== ErrorCode.nodeExists) this.errors++;
        more();
      };
      more();
    });
    loader.close();
  }

  async connect(): Promise<void> {
    for (let i = 0; i < this.#options.connections; i++) this.#connections.push(await this.#open(i));
  }

  /** Lets the load run for a while; counts begin at zero. */
  async run(ms: number): Promise<void> {
    this.histogram.reset();
    this.reads = 0;
    this.writes = 0;
    this.errors = 0;
    const until = performance.now() + ms;
    if (this.#options.mode === 'fanout') await this.#fanout(until);
    else if (this.#options.mode === 'connect') await this.#reconnect(until);
    else await this.#pump(until);
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  async #pump(until: number): Promise<void> {
    const { window } = this.#options;
    await this.#race((done) => {
      this.#onReply = (connection, type, sentAt, error) => {
        const now = performance.now();
        this.#count(type, (now - sentAt) * 1000, error);
        if (now < until) this.#next(connection);
        else if (this.#connections.every((each) => each.inFlight === 0)) done();
      };
      for (const connection of this.#connections) {
        while (connection.inFlight < window) this.#next(connection);
      }
    });
  }

  /** Each connection closes its session and opens another; the time is that of both. */
  async #reconnect(until: number): Promise<void> {
    await this.#race((done) => {
      let running = this.#connections.length;
      const cycle = async (index: number): Promise<void> => {
        for (;;) {
          const begun = performance.now();
          const connection = this.#connections[index] as LoadConnection;
          const closed = new Promise<number>((resolve) => {
            closing.set(connection, resolve);
          });
          connection.send('closeSession', null);
          const error = await closed;
          connection.close();
          this.#connections[index] = await this.#open(index);
          this.#count(OpCode.closeSession, (performance.now() - begun) * 1000, error);
          if (performance.now() >= until) break;
        }
        if (--running === 0) done();
      };
      const closing = new Map<LoadConnection, (error: number) => void>();
      this.#onReply = (connection, _type, _sentAt, error) => {
        closing.get(connection)?.(error);
        closing.delete(connection);
      };
      this.#connections.forEach((_, index) => {
        cycle(index).catch(this.#fail);
      });
    });
  }

  /** Rounds of: every connection sets a watch, one change is made, every connection gets its event. */
  async #fanout(until: number): Promise<void> {
    const writer = await this.#open(0);
    while (performance.now() < until) {
      await this.#race((done) => {
        let armed = 0;
        let delivered = 0;
        let firedAt = 0;
        const check = (): void => {
          if (delivered === this.#connections.length && firedAt > 0 && writer.inFlight === 0) done();
        };
        this.#onReply = (connection, _type, _sentAt, error) => {
          if (error !== 0) this.errors++;
          if (connection !== writer && ++armed === this.#connections.length) {
            firedAt = performance.now();
            writer.send('setData', { path: this.#key(0), data: this.#value, version: -1 });
          }
          check();
        };
        this.#onEvent = () => {
          delivered++;
          this.#count(OpCode.getData, (performance.now() - firedAt) * 1000, 0);
          check();
        };
        for (const connection of this.#connections) connection.send('getData', { path: this.#key(0), watch: true });
      });
    }
    writer.close();
  }

  #next(connection: LoadConnection): void {
    const { mode, keys, readPercent, prefix } = this.#options;
    const op = mode === 'mix' ? (this.#draw(100) < readPercent ? 'get' : 'set') : mode;
    if (op === 'get') connection.send('getData', { path: this.#key(this.#draw(keys)), watch: false });
    else if (op === 'exists') connection.send('exists', { path: this.#key(this.#draw(keys)), watch: false });
    else if (op === 'children') connection.send('getChildren2', { path: prefix, watch: false });
    else if (op === 'create') this.#create(connection, `${prefix}/s-`, CreateMode.persistentSequential);
    else connection.send('setData', { path: this.#key(this.#draw(keys)), data: this.#value, version: -1 });
  }

  #create(connection: LoadConnection, path: string, flags: number): void {
    connection.send('create', { path, data: this.#value, acl: WORLD_ANYONE_ALL, flags });
  }

  #count(type: number, microseconds: number, error: number): void {
    this.histogram.add(microseconds);
    if (error !== 0) this.errors++;
    if (type === OpCode.setData || type === OpCode.create) this.writes++;
    else this.reads++;
  }

  #key(index: number): string {
    return `${this.#options.prefix}/k${index}`;
  }

  /** The next of a fixed row of random numbers (xorshift), below `bound`. */
  #draw(bound: number): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return (x >>> 0) % bound;
  }

  async #open(index: number): Promise<LoadConnection> {
    const connection = new LoadConnection(this.#servers[index % this.#servers.length] as HostPort, this);
    await this.#race((done) => void connection.open().then(done));
    return connection;
  }

  /** Waits for `done` to be called, or throws what lost a connection. */
  #race(begin: (done: () => void) => void): Promise<void> {
    return Promise.race([new Promise<void>((resolve) => begin(resolve)), this.#failure]);
  }
}

import { findPorts } from './network/ports.ts';
import { ServerNode } from './node/server-node.ts';
import { checkOptions, configOf, type TestServerOptions } from './options.ts';
import { ServerControls } from './server-controls.ts';
import { SILENT, TestServers } from './test-servers.ts';
import { TestTime } from './time/test-time.ts';

/** Where a server in memory believes its data to be. */
const MEMORY_FOLDER = '/headkeeper';

/**
 * A standalone server inside this process: the real server with the real protocol on a real socket; only its disk is in
 * memory, unless a folder is given, and its clock can be moved.
 *
 * ```ts
 * await using server = await TestServer.start();
 * const client = await connect(server.connectString);
 * ```
 */
export class TestServer extends ServerControls {
  readonly #node: ServerNode;
  readonly #all: TestServers;

  private constructor(node: ServerNode, time: TestTime) {
    super(node);
    this.#node = node;
    this.#all = new TestServers([node], time);
  }

  /**
   * Starts a server; resolves when it serves.
   *
   * @throws TestingError when an option is wrong, or the port or the folder cannot be had.
   */
  static async start(options: TestServerOptions = {}): Promise<TestServer> {
    checkOptions(options, 1);
    const port = options.port ?? ((await findPorts(1))[0] as number);
    const config = configOf(options.settings, options.dir ?? MEMORY_FOLDER, port, null);
    const time = new TestTime();
    const node = new ServerNode({
      name: 'the server',
      config,
      inMemory: options.dir === undefined,
      time,
      switchboard: null,
      log: options.log ?? SILENT,
    });
    await node.start();
    return new TestServer(node, time);
  }

  /**
   * Stops in order: what is logged is acknowledged, the last replies leave. `restart` starts it again. Nothing of it keeps
   * the process alive afterwards.
   */
  stop(): Promise<void> {
    return this.#node.stop();
  }

  /** Ids of the live sessions. */
  sessions(): readonly bigint[] {
    return this.#all.sessions();
  }

  /**
   * Ends a session at once, as if its client had not been heard of in time. Resolves when it is gone.
   *
   * @throws TestingError when there is no such session.
   */
  expireSession(id: bigint): Promise<void> {
    return this.#all.expireSession(id);
  }

  /**
   * Lets the server's clocks jump ahead, and does what is due by then. Sessions end at multiples of `tickTime` (100 ms): one with a
   * timeout of 10 s is surely gone after `advance(10_100)`.
   */
  advance(ms: number): Promise<void> {
    return this.#all.advance(ms);
  }

  /**
   * Begins afresh without a restart: all sessions end, all znodes are deleted but those of the server itself
   * (`/zookeeper`). Clients that are still there find their sessions expired and may begin new ones. Transaction ids go on,
   * and so does the numbering of sequential znodes right below `/`.
   */
  reset(): Promise<void> {
    return this.#all.reset();
  }

  /** As `stop`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

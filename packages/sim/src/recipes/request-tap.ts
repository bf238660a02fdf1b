import {
  type ConnectResponse,
  connectResponse,
  decodeReplyBody,
  decodeRequest,
  ErrorCode,
  FrameSplitter,
  Reader,
  type Request,
  replyHeader,
  SpecialXid,
} from '@headkeeper/protocol';
import type { TreeWrite } from '@headkeeper/testkit';
import type { History } from '../check/history.ts';
import { law, zxidText } from '../check/violation.ts';
import { checkReadAnswer, checkWriteAnswer, type ReadName } from '../client/answer-check.ts';
import type { World } from '../world/world.ts';

/** What is known of a client from what it sends and gets. */
export interface TappedClient {
  readonly name: string;
  /** Where its machine is. */
  readonly address: string;
  session: { readonly id: bigint; readonly timeoutMs: number } | null;
  /** The address of the server that it is attached to, or null. */
  server: string | null;
  /** The largest zxid that its process was shown. */
  seen: number;
  /** The same, with what events have shown to it. */
  told: number;
}

/** What all taps share. */
export interface TapContext {
  readonly world: World;
  readonly history: History;
  /** Sessions that clients were told are over. */
  readonly refused: Set<bigint>;
  /** Of the connections, a number each. */
  connections: number;
  answers: number;
}

const LONGEST_FRAME = 16 << 20;
const WRITES: ReadonlySet<string> = new Set([
  'create',
  'create2',
  'createContainer',
  'createTTL',
  'delete',
  'setData',
  'setACL',
  'multi',
  'check',
]);
const READS: ReadonlySet<string> = new Set(['getData', 'exists', 'getChildren', 'getChildren2']);

/**
 * Reads along on one connection of a client under test: the model hears of each write before it leaves, and each answer has
 * to be the model's.
 */
export class RequestTap {
  readonly #context: TapContext;
  readonly #client: TappedClient;
  readonly #server: string;
  readonly #number: number;
  readonly #out: FrameSplitter = new FrameSplitter(LONGEST_FRAME);
  readonly #in: FrameSplitter = new FrameSplitter(LONGEST_FRAME);
  readonly #waiting: Request[] = [];
  #asksFor = 0n;
  #session = 0n;
  #hasHandshake = false;
  #isAttached = false;
  #writes = 0;

  constructor(context: TapContext, client: TappedClient, server: string) {
    this.#context = context;
    this.#client = client;
    this.#server = server;
    this.#number = ++context.connections;
  }

  /** The client writes. */
  sent(bytes: Uint8Array): void {
    this.#guarded(() => {
      for (const frame of this.#out.push(bytes)) this.#request(frame);
    });
  }

  /** The client is about to get this. */
  received(bytes: Uint8Array): void {
    this.#guarded(() => {
      for (const frame of this.#in.push(bytes)) this.#answer(new Reader(frame));
    });
  }

  /** The client has no such connection any more. */
  over(): void {
    const { session } = this.#client;
    if (session?.id === this.#session) this.#client.server = null;
  }

  /** Whoever is called from client code must not throw into it. */
  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#context.world.fail(error as Error);
    }
  }

  #request(frame: Uint8Array): void {
    if (!this.#hasHandshake) {
      this.#hasHandshake = true;
      const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
      // Behind the version, the last zxid and the timeout.
      this.#asksFor = view.getBigInt64(16);
      return;
    }
    const request = decodeRequest(new Reader(frame));
    const { world, history } = this.#context;
    const { xid, op, body } = request;
    if (xid !== SpecialXid.ping) {
      world.tell(() => `${this.#client.name} asks ${this.#server} for ${op} ${textOf(body)} (${xid})`);
    }
    if (xid === SpecialXid.ping) return;
    this.#waiting.push(request);
    if (!WRITES.has(op) && op !== 'closeSession') return;
    const write = op === 'closeSession' ? null : ({ op, body } as unknown as TreeWrite);
    history.oracle.asks(this.#session, xid, { write, connection: this.#number, order: ++this.#writes });
  }

  #answer(frame: Reader): void {
    if (!this.#isAttached) {
      this.#isAttached = true;
      this.#attached(connectResponse.decode(frame));
      return;
    }
    const header = replyHeader.decode(frame);
    if (header.xid === SpecialXid.watchEvent) {
      // What has been missed on the way to another server comes without a zxid.
      this.#client.told = Math.max(this.#client.told, header.zxid > 0 ? header.zxid : this.#context.history.last);
      return;
    }
    this.#isCommitted(header.zxid);
    // A client shows nobody the zxid of an answer to a ping, nor says it to its next server.
    if (header.xid === SpecialXid.ping) return;
    this.#heard(header.zxid);
    const request = this.#waiting.shift();
    law(request !== undefined && request.xid === header.xid, 'client order', () => {
      return `${this.#server} answers request ${header.xid}, ${request?.xid ?? 'none'} is the next`;
    });
    const { op, xid } = request;
    const answer = { zxid: header.zxid, error: header.err, body: decodeReplyBody(frame, header, op) };
    const { history, world } = this.#context;
    this.#context.answers++;
    world.tell(() => `${this.#client.name} is answered ${xid}: ${header.err} at ${zxidText(header.zxid)}`);
    if (WRITES.has(op) || op === 'closeSession') checkWriteAnswer(history.oracle, this.#session, xid, op, answer);
    else if (READS.has(op)) {
      const { path } = request.body as { path: string };
      if (!path.startsWith('/zookeeper')) checkReadAnswer(history.oracle, op as ReadName, path, answer);
    } else {
      const isFine = answer.error === ErrorCode.ok || op === 'multiRead' || op === 'removeWatches';
      law(isFine, 'watches', () => `${this.#client.name}: ${op} is answered ${answer.error}`);
    }
  }

  #attached(response: ConnectResponse): void {
    const { world, refused, history } = this.#context;
    const { sessionId: id, timeOut } = response;
    const client = this.#client;
    if (timeOut <= 0) {
      refused.add(this.#asksFor);
      client.session = null;
      client.server = null;
      world.tell(() => `${client.name} is told that its session is over`);
      return;
    }
    const { oracle } = history;
    law(this.#asksFor === 0n || this.#asksFor === id, 'sessions', () => {
      return `${client.name} gets session ${id} instead of its own`;
    });
    law(oracle.sessions.has(id) || oracle.ended.has(id), 'sessions', () => {
      return `${client.name} gets session ${id}, which nobody made`;
    });
    this.#session = id;
    client.session = { id, timeoutMs: timeOut };
    client.server = this.#server;
    world.tell(() => `${client.name} has session ${id.toString(16)} at ${this.#server}`);
  }

  #isCommitted(zxid: number): void {
    const { history } = this.#context;
    law(zxid <= history.last || zxid % 4294967296 === 0, 'no uncommitted reads', () => {
      return `${this.#client.name} is shown ${zxidText(zxid)}, committed is ${zxidText(history.last)}`;
    });
  }

  /** Every answer shows at least what was seen before. */
  #heard(zxid: number): void {
    const client = this.#client;
    law(
      zxid >= client.seen,
      'client order',
      () => `${client.name} has seen ${zxidText(client.seen)}, then ${zxidText(zxid)}`,
    );
    client.seen = zxid;
    client.told = Math.max(client.told, zxid);
  }
}

function textOf(body: unknown): string {
  return body !== null && typeof body === 'object' && 'path' in body ? String(body.path) : '';
}

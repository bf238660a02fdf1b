import { OpCode } from '@headkeeper/protocol';
import { OPEN, SUPER_USER } from './acls.ts';
import { decodeReply, type SideMapping, type Value } from './decode.ts';
import { Body, handshakeBody, rawFrame, requestFrame } from './frames.ts';
import { Link } from './link.ts';
import type { Session } from './session-book.ts';
import type { Side } from './side.ts';

const KEPT: readonly string[] = ['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota'];
const RAW: SideMapping = { zxid: (value) => value, session: (value) => Number(value), times: () => 0 };
const PATIENCE = 20_000;

interface RawStat {
  readonly [field: string]: number;
}

interface RawReply {
  readonly err: number;
  readonly zxid: number;
  readonly body: Value;
}

/** A connection as super user, for bringing a server's tree back to its beginning. */
class Broom {
  readonly side: Side;
  readonly #link: Link;
  #xid = 0;

  private constructor(side: Side, link: Link) {
    this.side = side;
    this.#link = link;
  }

  static async take(side: Side): Promise<Broom> {
    const link = await Link.open(side.endpoint);
    const password = new Uint8Array(16);
    link.send(
      rawFrame(
        handshakeBody({ protocolVersion: 0, lastZxidSeen: 0n, timeOut: 0, sessionId: 0n, password, readOnly: false }),
      ),
    );
    if ((await link.wait(1, PATIENCE)) !== 'reply') throw new Error(`${side.name} grants no session`);
    link.take();
    const broom = new Broom(side, link);
    await broom.call(OpCode.auth, new Body().int(0).text('digest').text(SUPER_USER));
    return broom;
  }

  async call(op: number, body: Body): Promise<RawReply> {
    this.#link.send(requestFrame(++this.#xid, op, body.done()));
    if ((await this.#link.wait(1, PATIENCE)) !== 'reply') {
      throw new Error(`${this.side.name} does not answer while its tree is emptied`);
    }
    const frame = this.#link.take().at(-1) as Buffer;
    return decodeReply(frame, op, RAW) as unknown as RawReply;
  }

  async sweep(): Promise<void> {
    await this.#empty('/');
    for (const path of ['/', '/zookeeper', '/zookeeper/quota']) {
      await this.call(OpCode.setData, new Body().text(path).text('').int(-1));
      await this.call(OpCode.setACL, new Body().text(path).acl(OPEN).int(-1));
    }
  }

  async #empty(path: string): Promise<void> {
    const reply = await this.call(OpCode.getChildren, new Body().text(path).bool(false));
    if (reply.err !== 0) return;
    for (const child of (reply.body as { children: string[] }).children) {
      const full = path === '/' ? `/${child}` : `${path}/${child}`;
      await this.#empty(full);
      if (!KEPT.includes(full)) await this.call(OpCode.delete, new Body().text(full).int(-1));
    }
  }

  async stat(path: string): Promise<RawStat> {
    const reply = await this.call(OpCode.exists, new Body().text(path).bool(false));
    return (reply.body as { stat: RawStat }).stat;
  }

  /** Brings the counters of a node that cannot be deleted up to another server's, where they lag behind. */
  async catchUp(path: string, goal: RawStat): Promise<void> {
    const child = `${path === '/' ? '' : path}/level`;
    let stat = await this.stat(path);
    const behind = (field: string): boolean => (stat[field] as number) < (goal[field] as number);
    while (behind('version') || behind('aversion') || behind('cversion')) {
      if (behind('version')) await this.call(OpCode.setData, new Body().text(path).text('').int(-1));
      if (behind('aversion')) await this.call(OpCode.setACL, new Body().text(path).acl(OPEN).int(-1));
      if (behind('cversion')) {
        await this.call(OpCode.create, new Body().text(child).text('').acl(OPEN).int(0));
        await this.call(OpCode.delete, new Body().text(child).int(-1));
      }
      const next = await this.stat(path);
      if (JSON.stringify(next) === JSON.stringify(stat)) return;
      stat = next;
    }
  }

  /** Ends the session and returns the zxid of its end. */
  async putAway(): Promise<number> {
    const reply = await this.call(OpCode.closeSession, new Body());
    this.#link.destroy();
    return reply.zxid;
  }
}

/**
 * Empties both servers' trees and brings what cannot be emptied to the same state, so that a run can begin anew after a
 * difference; then tells the right side how its zxids correspond to the left side's.
 */
export async function levelBothSides(left: Side, right: Side): Promise<void> {
  const brooms = await Promise.all([Broom.take(left), Broom.take(right)]);
  const [leftBroom, rightBroom] = brooms;
  await Promise.all([leftBroom.sweep(), rightBroom.sweep()]);
  for (const path of KEPT) {
    await leftBroom.catchUp(path, await rightBroom.stat(path));
    await rightBroom.catchUp(path, await leftBroom.stat(path));
    const expected = await leftBroom.stat(path);
    const actual = await rightBroom.stat(path);
    for (const field of ['czxid', 'mzxid', 'pzxid']) right.pair(actual[field] as number, expected[field] as number);
  }
  const [leftEnd, rightEnd] = await Promise.all([leftBroom.putAway(), rightBroom.putAway()]);
  right.align(rightEnd, leftEnd);
}

/** Ends a session that no connection is attached to. */
export async function endSession(side: Side, session: Session, index: number): Promise<void> {
  const link = await Link.open(side.endpoint);
  const password = Buffer.from(session.passwords[index] as string, 'hex');
  const sessionId = session.ids[index] as bigint;
  link.send(
    rawFrame(handshakeBody({ protocolVersion: 0, lastZxidSeen: 0n, timeOut: 0, sessionId, password, readOnly: false })),
  );
  link.send(requestFrame(1, OpCode.closeSession, new Uint8Array(0)));
  await link.waitClosed(PATIENCE);
  link.destroy();
}

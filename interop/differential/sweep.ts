import { OpCode, Reader } from '@headkeeper/protocol';
import { OPEN, SUPER_USER } from './acls.ts';
import { decodeReply, type SideMapping, type Value } from './decode.ts';
import { Body, handshakeBody, rawFrame, requestFrame } from './frames.ts';
import { Link } from './link.ts';
import type { Session } from './session-book.ts';
import type { Side } from './side.ts';

/** What a tree brought back to its beginning still shows of its past. */
export interface Leftovers {
  /** The zxid of the last thing the sweep did. */
  readonly zxid: number;
  /** Stats of the nodes that cannot be deleted, as sent. */
  readonly stats: ReadonlyMap<string, { readonly [field: string]: number }>;
}

const KEPT: readonly string[] = ['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota'];
const RAW: SideMapping = { zxid: (value) => value, session: (value) => Number(value), times: () => 0 };
const PATIENCE = 20_000;

/** Empties a server's tree as super user, so that a run can begin anew without starting the server again. */
export async function sweep(side: Side): Promise<Leftovers> {
  const link = await Link.open(side.endpoint);
  let xid = 0;
  const call = async (op: number, body: Body): Promise<{ err: number; zxid: number; body: Value; frame: Buffer }> => {
    link.send(requestFrame(++xid, op, body.done()));
    if ((await link.wait(1, PATIENCE)) !== 'reply')
      throw new Error(`${side.name} does not answer while its tree is emptied`);
    const frame = link.take().at(-1) as Buffer;
    const reply = decodeReply(frame, op, RAW) as unknown as { err: number; zxid: number; body: Value };
    return { ...reply, frame };
  };
  try {
    const first = {
      protocolVersion: 0,
      lastZxidSeen: 0n,
      timeOut: 0,
      sessionId: 0n,
      password: new Uint8Array(16),
      readOnly: false,
    };
    link.send(rawFrame(handshakeBody(first)));
    if ((await link.wait(1, PATIENCE)) !== 'reply') throw new Error(`${side.name} grants no session`);
    link.take();
    await call(OpCode.auth, new Body().int(0).text('digest').text(SUPER_USER));
    await empty(call, '/');
    for (const path of ['/', '/zookeeper', '/zookeeper/quota']) {
      await call(OpCode.setData, new Body().text(path).text('').int(-1));
      await call(OpCode.setACL, new Body().text(path).acl(OPEN).int(-1));
    }
    const stats = new Map<string, { readonly [field: string]: number }>();
    for (const path of KEPT) {
      const reply = await call(OpCode.exists, new Body().text(path).bool(false));
      stats.set(path, (reply.body as { stat: { [field: string]: number } }).stat);
    }
    const { frame } = await call(OpCode.closeSession, new Body());
    return { zxid: new Reader(frame, 4).long(), stats };
  } finally {
    link.destroy();
  }
}

type Call = (op: number, body: Body) => Promise<{ err: number; body: Value }>;

async function empty(call: Call, path: string): Promise<void> {
  const reply = await call(OpCode.getChildren, new Body().text(path).bool(false));
  if (reply.err !== 0) return;
  for (const child of (reply.body as { children: string[] }).children) {
    const full = path === '/' ? `/${child}` : `${path}/${child}`;
    await empty(call, full);
    if (!KEPT.includes(full)) await call(OpCode.delete, new Body().text(full).int(-1));
  }
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

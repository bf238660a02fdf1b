/** How long others wait while a session with very many ephemerals ends: by its client's wish, and because its time is over. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { CreateMode, connectRequest, encodeRequest, OpCode, Writer } from '@headkeeper/protocol';
import { run } from '#peers/command';
import { fourLetterWord, type ServerProcess } from '#peers/server-process';

const PER_MULTI = 1000;
const ACL = [{ perms: 31, scheme: 'world', id: 'anyone' }];

export interface Stall {
  readonly maxMs: number;
  /** By how much the program that asks was late itself, at most. */
  readonly lateMs: number;
  readonly seconds: number;
}

function frame(write: (out: Writer) => void): Uint8Array {
  const out = new Writer(65_536);
  out.int(0);
  write(out);
  out.view.setInt32(0, out.length - 4);
  return out.toBytes();
}

/** A session that owns `count` ephemerals below `parent`. */
async function owner(server: ServerProcess, parent: string, count: number, timeOut: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: server.port, noDelay: true });
  await once(socket, 'connect');
  let left = 1 + 1 + Math.ceil(count / PER_MULTI);
  let done: () => void = () => {};
  const answered = new Promise<void>((resolve) => {
    done = resolve;
  });
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      rest = rest.subarray(4 + rest.readInt32BE(0));
      if (--left === 0) done();
    }
  });
  const hello = {
    protocolVersion: 0,
    lastZxidSeen: 0,
    timeOut,
    sessionId: 0n,
    passwd: new Uint8Array(16),
    readOnly: false,
  };
  socket.write(frame((out) => connectRequest.encode(out, hello)));
  const create = (path: string, flags: number) => ({ path, data: null, acl: ACL, flags });
  socket.write(frame((out) => encodeRequest(out, 1, 'create', create(parent, CreateMode.persistent))));
  for (let from = 0; from < count; from += PER_MULTI) {
    const ops = Array.from({ length: Math.min(PER_MULTI, count - from) }, (_, i) => ({
      type: OpCode.create,
      body: create(`${parent}/member-${String(from + i).padStart(10, '0')}`, CreateMode.ephemeral),
    }));
    socket.write(frame((out) => encodeRequest(out, 2 + from, 'multi', { ops })));
  }
  await answered;
  return socket;
}

async function ephemerals(server: ServerProcess): Promise<number> {
  const text = await fourLetterWord(server.port, 'mntr', 10_000);
  return Number(/^zk_ephemerals_count\s+(\d+)$/m.exec(text)?.[1]);
}

/** Pings every millisecond from before the end until the ephemerals are gone. */
export async function stallOfClose(
  server: ServerProcess,
  probe: string,
  count: number,
  how: 'close' | 'expire',
): Promise<Stall> {
  const timeoutMs = 4000;
  const socket = await owner(server, `/${how}-${count}`, count, timeoutMs);
  await pause(1000);
  const seconds = how === 'close' ? 6 : 14;
  const probing = run([probe, String(server.port), String(seconds)], { timeoutMs: 60_000 });
  await pause(1000);
  const begun = performance.now();
  if (how === 'close') {
    socket.write(frame((out) => encodeRequest(out, 1_000_000, 'closeSession', null)));
    await once(socket, 'close');
  } else socket.destroy();
  const took = performance.now() - begun;
  const figures = JSON.parse(await probing) as Readonly<Record<string, number>>;
  const left = await ephemerals(server);
  if (left !== 0) throw new Error(`${left} ephemerals are still there`);
  return {
    maxMs: (figures.max_us ?? Number.NaN) / 1000,
    lateMs: (figures.late_max_us ?? Number.NaN) / 1000,
    seconds: took / 1000,
  };
}

/**
 * One read at a time: the client beside frames that were built once and a bare socket, in one process and in turn, so that the
 * machine treats both alike:
 *
 *   node bench/dist/client/latency.js ADDRESS PATH TURNS
 *
 * Prints one line of JSON: the median latency of each, in microseconds, and the median of their ratio turn by turn.
 */

import { connect as connectSocket, type Socket } from 'node:net';
import { connect } from '@headkeeper/client';
import { beginFrame, connectRequest, encodeRequest, endFrame, Writer } from '@headkeeper/protocol';

const [address, path, turns] = process.argv.slice(2) as [string, string, string];
const TURN_MS = 200;

type Turn = () => Promise<number>;

function median(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[samples.length >> 1] as number;
}

function frame(encode: (out: Writer) => void): Uint8Array {
  const out = new Writer();
  const at = beginFrame(out);
  encode(out);
  endFrame(out, at);
  return out.toBytes();
}

async function openSocket(): Promise<{ socket: Socket; turn: Turn }> {
  const [host, port] = address.split(':') as [string, string];
  const bare = connectSocket({ host, port: Number(port), noDelay: true });
  const passwd = new Uint8Array(16);
  const handshake = { protocolVersion: 0, lastZxidSeen: 0, timeOut: 30_000, sessionId: 0n, passwd, readOnly: false };
  const request = frame((out) => encodeRequest(out, 1, 'getData', { path, watch: false }));
  let answered = (): void => {};
  bare.on('data', () => answered());
  await new Promise<void>((resolve) => {
    answered = resolve;
    bare.write(frame((out) => connectRequest.encode(out, handshake)));
  });
  const turn = (): Promise<number> =>
    new Promise((resolve) => {
      const latencies: number[] = [];
      const until = performance.now() + TURN_MS;
      let asked = performance.now();
      answered = () => {
        const now = performance.now();
        latencies.push(now - asked);
        if (now >= until) {
          resolve(median(latencies));
          return;
        }
        asked = performance.now();
        bare.write(request);
      };
      bare.write(request);
    });
  return { socket: bare, turn };
}

const { socket, turn: bareTurn } = await openSocket();
const client = await connect(address);
const clientTurn: Turn = async () => {
  const latencies: number[] = [];
  const until = performance.now() + TURN_MS;
  for (let now = 0; now < until; ) {
    const asked = performance.now();
    await client.getData(path);
    now = performance.now();
    latencies.push(now - asked);
  }
  return median(latencies);
};

const bareMedians: number[] = [];
const clientMedians: number[] = [];
const ratios: number[] = [];
await bareTurn();
await clientTurn();
for (let i = 0; i < Number(turns); i++) {
  const before = await bareTurn();
  const between = await clientTurn();
  const after = await bareTurn();
  bareMedians.push(before, after);
  clientMedians.push(between);
  ratios.push((2 * between) / (before + after));
}
console.log(
  JSON.stringify({
    socketMicroseconds: median(bareMedians) * 1_000,
    clientMicroseconds: median(clientMedians) * 1_000,
    ratio: median(ratios),
  }),
);
await client.close();
socket.destroy();

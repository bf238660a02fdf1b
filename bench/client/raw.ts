/**
 * The round trip that no client can beat: getData frames built once, over a bare socket, one at a time.
 *
 *   node bench/dist/client/raw.js ADDRESS PATH SECONDS
 *
 * Prints one line of JSON: reads and the median latency in microseconds.
 */

import { connect } from 'node:net';
import { beginFrame, connectRequest, encodeRequest, endFrame, Writer } from '@headkeeper/protocol';

const [address, path, seconds] = process.argv.slice(2) as [string, string, string];
const WARM_UP_MS = 1_000;
const [host, port] = address.split(':') as [string, string];

function frame(encode: (out: Writer) => void): Uint8Array {
  const out = new Writer();
  const at = beginFrame(out);
  encode(out);
  endFrame(out, at);
  return out.toBytes();
}

const socket = connect({ host, port: Number(port), noDelay: true });
const passwd = new Uint8Array(16);
const handshake = { protocolVersion: 0, lastZxidSeen: 0, timeOut: 30_000, sessionId: 0n, passwd, readOnly: false };
const request = frame((out) => encodeRequest(out, 1, 'getData', { path, watch: false }));
const latencies: number[] = [];
let answered = (): void => {};
socket.on('data', () => answered());
await new Promise<void>((resolve) => {
  answered = resolve;
  socket.write(frame((out) => connectRequest.encode(out, handshake)));
});
const warm = performance.now() + WARM_UP_MS;
const until = warm + Number(seconds) * 1_000;
await new Promise<void>((resolve) => {
  let asked = performance.now();
  answered = () => {
    const now = performance.now();
    if (now >= warm) latencies.push(now - asked);
    if (now >= until) {
      resolve();
      return;
    }
    asked = now;
    socket.write(request);
  };
  socket.write(request);
});
latencies.sort((a, b) => a - b);
console.log(
  JSON.stringify({ reads: latencies.length, medianMicroseconds: (latencies[latencies.length >> 1] ?? 0) * 1_000 }),
);
socket.destroy();

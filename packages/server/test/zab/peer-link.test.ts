import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JuteError, QuorumPacketType, Writer, writePacket } from '@headkeeper/protocol';
import { type PacketHandler, PeerLink } from '../../src/core/peer-link.ts';
import { captureOf, fromHex, toHex } from './captures.ts';
import { randomCuts } from './cutting.ts';

const LIMIT = 1 << 20;
const RAW = 'raw bytes, whose length only their reader knows';

function link(): PeerLink {
  return new PeerLink(1, 'learner', '127.0.0.1:1', 0, LIMIT);
}

/** Notes each packet; behind SNAP it takes the bytes of `RAW`. */
class Recorder implements PacketHandler {
  readonly heard: string[] = [];
  takesRaw = false;
  #raw = '';
  readonly #then: (link: PeerLink, count: number) => void;

  constructor(then: (link: PeerLink, count: number) => void = () => {}) {
    this.#then = then;
  }

  raw(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, RAW.length - this.#raw.length);
    this.#raw += new TextDecoder().decode(bytes.subarray(0, count));
    if (this.#raw.length === RAW.length) {
      this.heard.push(this.#raw);
      this.#raw = '';
      this.takesRaw = false;
    }
    return count;
  }

  packet(from: PeerLink): void {
    const { type, zxid, dataStart, dataEnd, dataIsNull } = from.packet;
    const data = dataIsNull ? 'null' : toHex(from.bytes.subarray(dataStart, dataEnd));
    // The view and the bytes are the same memory.
    if (dataEnd > dataStart) assert.equal(from.view.getUint8(dataStart), from.bytes[dataStart]);
    this.heard.push(`${type} ${zxid} ${data}`);
    this.takesRaw = type === QuorumPacketType.snap;
    this.#then(from, this.heard.length);
  }
}

/** Packets of all sizes, one of them SNAP with raw bytes behind it. */
function stream(): Uint8Array {
  const out = new Writer(1024);
  writePacket(out, QuorumPacketType.leaderInfo, 4294967296, fromHex('00010000'));
  writePacket(out, QuorumPacketType.snap, 7);
  out.raw(new TextEncoder().encode(RAW), 0, RAW.length);
  writePacket(out, QuorumPacketType.newLeader, 4294967296, new Uint8Array(100).fill(9));
  writePacket(out, QuorumPacketType.upToDate, -1);
  writePacket(out, QuorumPacketType.ping, 3, new Uint8Array(0));
  writePacket(out, QuorumPacketType.proposal, 5, new Uint8Array(70).fill(1));
  return out.toBytes();
}

function heardWhole(): string[] {
  const recorder = new Recorder();
  link().receive(stream(), recorder);
  return recorder.heard;
}

test('a stream may be cut anywhere, and twice', () => {
  const bytes = stream();
  const expected = heardWhole();
  assert.equal(expected.length, 7);
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second += 7) {
      const recorder = new Recorder();
      const peer = link();
      for (const piece of [bytes.slice(0, first), bytes.slice(first, second), bytes.slice(second)]) {
        peer.receive(piece, recorder);
        // What arrives is the network's memory: it is written over.
        piece.fill(0xee);
      }
      assert.deepEqual(recorder.heard, expected, `cut at ${first} and ${second}`);
    }
  }
});

test('every captured stream may be cut anywhere', () => {
  for (const name of ['sync/diff-under-load', 'steady/requests', 'steady/all-transaction-types']) {
    for (const { messages } of captureOf(name)) {
      for (const dir of ['>', '<']) {
        const packets = messages.filter((one) => one.dir === dir && one.hex !== '' && one.kind !== 'SNAPSHOT_STREAM');
        if (packets.some(({ kind }) => kind === 'SNAP')) continue;
        const bytes = fromHex(packets.map(({ hex }) => hex).join(''));
        for (let seed = 1; seed <= 3; seed++) {
          const recorder = new Recorder();
          const peer = link();
          for (const piece of randomCuts(seed)(bytes)) peer.receive(piece.slice(), recorder);
          assert.equal(recorder.heard.length, packets.length);
        }
      }
    }
  }
});

test('while a link is held packets wait, and go on where they were', () => {
  const bytes = stream();
  const expected = heardWhole();
  for (const cut of [1, 5, 40, bytes.length]) {
    // The link is held in each packet that is no raw byte.
    const recorder = new Recorder((peer) => {
      if (!recorder.takesRaw) peer.held = true;
    });
    const peer = link();
    for (let at = 0; at < bytes.length; at += cut) peer.receive(bytes.slice(at, at + cut), recorder);
    assert.equal(recorder.heard.length, 1, 'held in the first packet');
    for (let turns = 0; turns < 10; turns++) {
      peer.held = false;
      peer.resume(recorder);
    }
    assert.deepEqual(recorder.heard, expected);
  }
});

test('behind the packet over which a link is closed nothing is heard', () => {
  for (const cut of [1, 13, 1000]) {
    const recorder = new Recorder((peer, count) => {
      if (count === 2) peer.closed = true;
    });
    const peer = link();
    const bytes = stream();
    for (let at = 0; at < bytes.length; at += cut) peer.receive(bytes.slice(at, at + cut), recorder);
    peer.resume(recorder);
    assert.equal(recorder.heard.length, 2);
  }
});

test('a length that no packet may have is an error as soon as it has arrived', () => {
  for (const length of ['fffffffe', '80000000', '00100001']) {
    const recorder = new Recorder();
    const peer = link();
    const head = fromHex(`000000020000000100000001${length}`);
    peer.receive(head.slice(0, 15), recorder);
    assert.throws(() => peer.receive(head.slice(15), recorder), JuteError);
    assert.deepEqual(recorder.heard, []);
  }
});

test('a packet of the largest size may come in small pieces', () => {
  const out = new Writer(LIMIT);
  writePacket(out, QuorumPacketType.proposal, 1, new Uint8Array(LIMIT).fill(3));
  const bytes = out.toBytes();
  const recorder = new Recorder();
  const peer = link();
  for (let at = 0; at < bytes.length; at += 64) peer.receive(bytes.subarray(at, at + 64), recorder);
  assert.equal(recorder.heard.length, 1);
});

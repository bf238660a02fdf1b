import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerStream } from '@headkeeper/server/internal';
import type { Host } from '../src/network/host.ts';
import { SimNetwork } from '../src/network/sim-network.ts';
import { SECOND, World } from '../src/world/world.ts';

interface End {
  stream: PeerStream | null;
  readonly received: number[];
  readonly heard: string[];
}

function end(): End {
  return { stream: null, received: [], heard: [] };
}

function handlerOf(side: End): Parameters<SimNetwork['connect']>[3] {
  return {
    opened: () => side.heard.push('opened'),
    data: (bytes) => {
      for (const byte of bytes) side.received.push(byte);
    },
    drained: () => side.heard.push('drained'),
    closed: (error) => side.heard.push(`closed ${(error as { code?: string } | null)?.code ?? 'in order'}`),
  };
}

/** Two machines, one listening, one connecting. */
class Pair {
  readonly world: World;
  readonly network: SimNetwork;
  readonly a: Host;
  readonly b: Host;
  readonly client: End = end();
  readonly server: End = end();

  constructor(seed = 1) {
    this.world = new World(seed);
    this.network = new SimNetwork(this.world);
    this.network.prepareLink = (link) => {
      link.splitChance = 300_000;
    };
    this.a = this.network.addHost('a', { dispatch: (action) => action() });
    this.b = this.network.addHost('b', { dispatch: (action) => action() });
    this.network.portOf(this.b).listen(
      { host: 'b', port: 1 },
      (stream) => {
        this.server.stream = stream;
        return handlerOf(this.server);
      },
      () => {},
    );
  }

  connect(timeoutMs = 1000, port = 1): this {
    const to = { host: 'b', port };
    this.client.stream = this.network.connect(this.a, to, timeoutMs, handlerOf(this.client));
    return this;
  }

  run(seconds: number): this {
    this.world.runUntil(this.world.now + seconds * SECOND);
    return this;
  }

  send(from: End, bytes: readonly number[]): void {
    const all = Uint8Array.from(bytes);
    (from.stream as PeerStream).write(all, 0, all.length);
    all.fill(0);
  }
}

const BYTES = Array.from({ length: 250 }, (_, i) => i);

describe('simulated streams', () => {
  it('carry bytes in order, in pieces, both ways', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const pair = new Pair(seed).connect().run(1);
      for (const byte of BYTES) pair.send(pair.client, [byte, byte]);
      pair.send(pair.server, BYTES);
      pair.run(1);
      assert.deepEqual(
        pair.server.received,
        BYTES.flatMap((byte) => [byte, byte]),
      );
      assert.deepEqual(pair.client.received, BYTES);
      assert.deepEqual(pair.client.heard, ['opened']);
    }
  });

  it('end on both sides after what was written', () => {
    const pair = new Pair().connect().run(1);
    pair.send(pair.client, BYTES);
    pair.client.stream?.close();
    pair.run(1);
    assert.deepEqual(pair.server.received, BYTES);
    assert.deepEqual(pair.server.heard, ['opened', 'closed in order']);
    assert.deepEqual(pair.client.heard, ['opened', 'closed in order']);
  });

  it('are refused where nobody listens, and time out over a silent link', () => {
    assert.deepEqual(new Pair().connect(1000, 2).run(1).client.heard, ['closed ECONNREFUSED']);
    const pair = new Pair();
    pair.network.setLink(pair.b, pair.a, 'silent');
    assert.deepEqual(pair.connect(3000).run(10).client.heard, ['closed ETIMEDOUT']);
  });

  it('wait out a silent link and lose nothing', () => {
    const pair = new Pair().connect().run(1);
    pair.network.setLink(pair.a, pair.b, 'silent');
    pair.send(pair.client, BYTES);
    pair.run(60);
    assert.deepEqual(pair.server.received, []);
    pair.network.setLink(pair.a, pair.b, 'up');
    pair.run(5);
    assert.deepEqual(pair.server.received, BYTES);
  });

  it('are reset by a refusing link', () => {
    const pair = new Pair().connect().run(1);
    pair.network.setLink(pair.a, pair.b, 'refuse');
    pair.run(1);
    assert.deepEqual(pair.client.heard, ['opened', 'closed ECONNRESET']);
    assert.deepEqual(pair.server.heard, ['opened', 'closed ECONNRESET']);
  });

  it('look alive when they are half-open', () => {
    const pair = new Pair().connect().run(1);
    const [stream] = pair.a.streams;
    if (stream !== undefined) pair.network.halfOpen(stream, 'out');
    pair.send(pair.client, BYTES);
    pair.send(pair.server, BYTES);
    pair.run(600);
    assert.deepEqual(pair.server.received, []);
    assert.deepEqual(pair.client.received, BYTES);
    assert.deepEqual(pair.client.heard, ['opened']);
  });

  it('hear of a killed process at once, and of a machine without power only when it is back', () => {
    const killed = new Pair().connect().run(1);
    killed.network.endProcess(killed.b, 'exit');
    killed.run(1);
    assert.match(killed.client.heard.join(), /^opened,closed/);
    const dark = new Pair().connect().run(1);
    dark.network.endProcess(dark.b, 'power');
    dark.send(dark.client, BYTES);
    dark.run(100);
    assert.deepEqual(dark.client.heard, ['opened']);
    dark.b.powered = true;
    dark.run(10);
    assert.deepEqual(dark.client.heard, ['opened', 'closed ECONNRESET']);
  });

  it('keep what a paused reader does not take, and tell the writer when it goes on', () => {
    const pair = new Pair().connect().run(1);
    pair.server.stream?.pause();
    const large = new Array<number>(200_000).fill(7);
    pair.send(pair.client, large);
    pair.run(10);
    assert.equal(pair.server.received.length, 0);
    assert.ok((pair.client.stream?.unsentBytes ?? 0) > 100_000);
    pair.server.stream?.resume();
    pair.run(10);
    assert.equal(pair.server.received.length, large.length);
    assert.equal(pair.client.stream?.unsentBytes, 0);
    assert.deepEqual(pair.client.heard, ['opened', 'drained']);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { EventType, encodeUtf8 } from '@headkeeper/protocol';
import { TriggerResult, WatchKind, WatchTable } from '../../src/core/watch/watches.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MEBIBYTE = 1 << 20;
const CONNECTIONS = 10_000;
const WATCHES = 1_000_000;

/** Memory of the process's objects and typed arrays, in MiB, after a collection. */
function usedMemory(): number {
  // The memory of dead typed arrays is given back by a sweep that the next collection waits for.
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / MEBIBYTE;
}

/** Writes `value` as seven digits at the end of `bytes[0, length)`. */
function numbered(bytes: Uint8Array, length: number, value: number): void {
  for (let at = length - 1; at >= length - 7; at--) {
    bytes[at] = 48 + (value % 10);
    value = Math.floor(value / 10);
  }
}

for (const paths of [100, 100_000, WATCHES]) {
  test(`${WATCHES} watches of ${CONNECTIONS} connections on ${paths} paths take less than 150 MB`, (context) => {
    const before = usedMemory();
    const table = new WatchTable(7);
    const bytes = encodeUtf8('/services/region-1/node-0000000');
    let slowest = 0;
    const begin = performance.now();
    for (let i = 0; i < WATCHES; i++) {
      const slot = i % CONNECTIONS;
      numbered(bytes, bytes.length, (slot * (WATCHES / CONNECTIONS) + Math.floor(i / CONNECTIONS)) % paths);
      const from = performance.now();
      table.add(slot, bytes, 0, bytes.length, WatchKind.dataOneShot);
      slowest = Math.max(slowest, performance.now() - from);
    }
    const taken = performance.now() - begin;
    assert.equal(table.watchCount, WATCHES);
    assert.equal(table.pathCount, paths);
    const used = usedMemory() - before;
    context.diagnostic(
      `${used.toFixed(1)} MiB; ${((taken / WATCHES) * 1e6).toFixed(0)} ns per add, slowest ${slowest.toFixed(2)} ms`,
    );
    assert.ok(used * MEBIBYTE < 150e6, `${used} MiB`);

    const closing = performance.now();
    for (let slot = 0; slot < CONNECTIONS; slot++) table.removeConnection(slot);
    context.diagnostic(`closing all: ${(performance.now() - closing).toFixed(0)} ms`);
    assert.equal(table.watchCount, 0);
    assert.equal(table.pathCount, 0);
    assert.ok(usedMemory() - before < 5, 'an empty table gives its memory back');
    assert.equal(table.pathBytes, 0);
  });
}

test('one event names 10,000 connections, each once', (context) => {
  const table = new WatchTable(7);
  const sink = new TriggerResult();
  const path = encodeUtf8('/config/current');
  const fire = (kind: number): number => {
    for (let slot = 0; slot < CONNECTIONS; slot++) table.add(slot, path, 0, path.length, kind);
    const from = performance.now();
    assert.equal(table.trigger(EventType.nodeDataChanged, path, 0, path.length, sink), CONNECTIONS);
    return performance.now() - from;
  };
  for (const kind of [WatchKind.dataOneShot, WatchKind.persistent]) {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 10; round++) best = Math.min(best, fire(kind));
    context.diagnostic(`kind ${kind}: ${((best / CONNECTIONS) * 1e6).toFixed(0)} ns per connection told`);
  }
  assert.equal(new Set(sink.slots.subarray(0, sink.count)).size, CONNECTIONS);
});

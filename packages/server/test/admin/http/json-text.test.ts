import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Json, jsonPieces, jsonText, NumberText } from '../../../src/admin/http/json-text.ts';

test('answers are laid out as those of Apache ZooKeeper 3.9.5', () => {
  const answer = {
    connections: [
      { remote_socket_address: '127.0.0.1:52058', session_id: 144116884832387072n },
      { remote_socket_address: '127.0.0.1:52059', session_id: 1n },
    ],
    secure_connections: [],
    ids: { '25904000': [1, 2] },
    none: {},
    avg_latency: new NumberText('0.0'),
    error: null,
  };
  assert.equal(
    jsonText(answer),
    `{
  "connections" : [ {
    "remote_socket_address" : "127.0.0.1:52058",
    "session_id" : 144116884832387072
  }, {
    "remote_socket_address" : "127.0.0.1:52059",
    "session_id" : 1
  } ],
  "secure_connections" : [ ],
  "ids" : {
    "25904000" : [ 1, 2 ]
  },
  "none" : { },
  "avg_latency" : 0.0,
  "error" : null
}`,
  );
});

test('whatever is written can be read back, in pieces too', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const plain = JSON.parse(JSON.stringify(value)) as Json;
      assert.deepEqual(JSON.parse([...jsonPieces(plain)].join('')), plain);
    }),
  );
});

test('large answers come in pieces', () => {
  const pieces = [...jsonPieces(Array.from({ length: 50_000 }, (_, i) => `session-${i}`))];
  assert.ok(pieces.length > 5, `${pieces.length}`);
  assert.ok(Math.max(...pieces.map((piece) => piece.length)) < 70_000);
});

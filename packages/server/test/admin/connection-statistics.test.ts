import assert from 'node:assert/strict';
import { it } from 'node:test';
import { OpCode, SpecialXid } from '@headkeeper/protocol';
import { ConnectionStatistics } from '../../src/core/connection.ts';

it('a ping does not replace the cxid that cons shows', () => {
  const statistics = new ConnectionStatistics();
  statistics.answered(OpCode.getData, 4, 1, 0, 0);
  statistics.answered(OpCode.ping, SpecialXid.ping, 1, 0, 0);
  assert.equal(statistics.lastCxid, 4);
  assert.equal(statistics.lastOpcode, OpCode.ping);
});

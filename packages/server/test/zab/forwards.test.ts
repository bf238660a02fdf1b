import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Forwards } from '../../src/core/order/forwards.ts';

test('requests come out in the order in which they went in, however many wait', () => {
  const request = fc.record({
    xid: fc.integer(),
    opcode: fc.integer({ min: -11, max: 22 }),
    arrivedMs: fc.nat(),
    afterZxid: fc.maxSafeNat(),
  });
  // Null takes one out.
  const steps = fc.array(fc.oneof({ weight: 3, arbitrary: request }, { weight: 2, arbitrary: fc.constant(null) }), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const forwards = new Forwards();
      const model: { xid: number; opcode: number; arrivedMs: number; afterZxid: number }[] = [];
      for (const one of all) {
        if (one !== null) {
          forwards.push(one.xid, one.opcode, one.arrivedMs, one.afterZxid);
          model.push({ ...one });
        } else if (model.length > 0) {
          forwards.take();
          model.shift();
        }
        assert.equal(forwards.size, model.length);
        const [oldest] = model;
        if (oldest === undefined) continue;
        const { xid, opcode, arrivedMs, afterZxid } = forwards;
        assert.deepEqual({ xid, opcode, arrivedMs, afterZxid }, oldest);
      }
    }),
  );
});

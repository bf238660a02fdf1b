import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PathIndex } from '../../src/core/tree/path-index.ts';

/** The same as lists. */
class IndexModel {
  readonly entries: Map<number, number[]> = new Map();
  size = 0;

  insert(hash: number, slot: number): void {
    this.entries.set(hash, [...(this.entries.get(hash) ?? []), slot]);
    this.size++;
  }

  remove(hash: number, slot: number): boolean {
    const slots = this.entries.get(hash) ?? [];
    if (!slots.includes(slot)) return false;
    this.entries.set(
      hash,
      slots.filter((one) => one !== slot),
    );
    this.size--;
    return true;
  }
}

function slotsOf(index: PathIndex, hash: number): number[] {
  const slots: number[] = [];
  for (let slot = index.first(hash); slot !== -1; slot = index.next(hash)) slots.push(slot);
  return slots.sort((a, b) => a - b);
}

/** Scattered hashes; some equal, some that fall on one run at the end of the table and wrap around. */
function hashOf(n: number, crowding: number): number {
  if (crowding === 1) return (n % 97) | 0;
  if (crowding === 2) return -1 - (n % 61);
  return Math.imul(n, -1640531527);
}

interface Wave {
  readonly insert: number;
  /** Removes those whose number is divisible by this. */
  readonly removeEvery: number;
  readonly crowding: number;
  /** Whether room is made for all at once. */
  readonly together: boolean;
}

const anyWave: fc.Arbitrary<Wave> = fc.record({
  insert: fc.integer({ min: 1, max: 900 }),
  removeEvery: fc.integer({ min: 1, max: 9 }),
  crowding: fc.constantFrom(0, 0, 0, 1, 2),
  together: fc.boolean(),
});

test('the index holds what a list of pairs holds, over every growth', () => {
  fc.assert(
    fc.property(fc.array(anyWave, { minLength: 1, maxLength: 8 }), (waves) => {
      const index = new PathIndex();
      const model = new IndexModel();
      const hashes: number[] = [];
      let next = 0;
      for (const { insert, removeEvery, crowding, together } of waves) {
        if (together) index.reserve(index.size + insert);
        for (let i = 0; i < insert; i++) {
          const slot = next++;
          hashes[slot] = hashOf(slot, crowding);
          const known = together ? index.insertNew(hashes[slot], slot) : -1;
          assert.equal(known !== -1, together && (model.entries.get(hashes[slot])?.length ?? 0) > 0);
          if (!together || known !== -1) index.insert(hashes[slot], slot);
          if (known !== -1) assert.ok(model.entries.get(hashes[slot])?.includes(known));
          model.insert(hashes[slot], slot);
          // One that was there before, wherever the migration has got to.
          const old = (slot * 7) % next;
          assert.deepEqual(slotsOf(index, hashes[old] as number), model.entries.get(hashes[old] as number));
        }
        for (let slot = 0; slot < next; slot += removeEvery) {
          const hash = hashes[slot] as number;
          assert.equal(index.remove(hash, slot), model.remove(hash, slot));
        }
        assert.equal(index.size, model.size);
        for (const [hash, slots] of model.entries) assert.deepEqual(slotsOf(index, hash), slots);
      }
      assert.equal(index.remove(12345, next + 1), false);
    }),
    { numRuns: 25 },
  );
});

test('a hundred thousand entries are all found', () => {
  const index = new PathIndex();
  for (let slot = 0; slot < 100_000; slot++) index.insert(hashOf(slot, 0), slot);
  for (let slot = 0; slot < 100_000; slot++) assert.equal(index.first(hashOf(slot, 0)), slot);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteArena } from '../../src/core/tree/arena.ts';

const KIB = 1024;
/** Sizes around every boundary: classes of 8 bytes, of an eighth, the largest shared block, own chunks. */
const anySize = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 2, arbitrary: fc.integer({ min: 300, max: 20 * KIB }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 300 * KIB, 1024 * KIB, 1024 * KIB + 7),
  },
);
const anyStep = fc.oneof(
  { weight: 3, arbitrary: fc.record({ size: anySize }) },
  { weight: 2, arbitrary: fc.record({ free: fc.nat() }) },
);

interface Block {
  readonly handle: number;
  readonly size: number;
  readonly mark: number;
}

function marked(arena: ByteArena, { handle, size, mark }: Block): boolean {
  const bytes = arena.bytesOf(handle);
  const at = arena.offsetOf(handle);
  return size === 0 || (bytes[at] === mark && bytes[at + size - 1] === mark && bytes[at + (size >> 1)] === mark);
}

test('blocks keep their bytes until they are freed, and memory is used again', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 120, size: 'max' }), (steps) => {
      const arena = new ByteArena();
      const blocks: Block[] = [];
      let mark = 0;
      let inUse = 0;
      for (const step of steps) {
        if ('size' in step) {
          mark = (mark + 1) & 0xff;
          const block = { handle: arena.allocate(step.size), size: step.size, mark };
          const capacity = arena.capacityFor(step.size);
          assert.ok(capacity >= step.size && block.handle >= 0);
          // The whole block is ours, up to its capacity.
          const at = arena.offsetOf(block.handle);
          arena.bytesOf(block.handle).fill(mark, at, at + capacity);
          inUse += capacity;
          blocks.push(block);
        } else if (blocks.length > 0) {
          const [block] = blocks.splice(step.free % blocks.length, 1) as [Block];
          assert.ok(marked(arena, block));
          arena.free(block.handle, block.size);
          inUse -= arena.capacityFor(block.size);
        }
        assert.equal(arena.bytesInUse, inUse);
      }
      for (const block of blocks) assert.ok(marked(arena, block));
    }),
    { numRuns: 60 },
  );
});

test('what is freed is used again: churn does not make the arena grow', () => {
  const arena = new ByteArena();
  const sizes = [5, 100, 1000, 40_000, 300_000];
  const churn = (): void => {
    const handles = sizes.map((size) => arena.allocate(size));
    for (const [i, handle] of handles.entries()) arena.free(handle, sizes[i] as number);
  };
  const held = (): (number | undefined)[] => arena.chunks.map((chunk) => chunk?.length);
  churn();
  const once = held();
  assert.equal(once.filter((length) => length === undefined).length, 1, 'a chunk of its own goes back to the engine');
  for (let round = 0; round < 200; round++) churn();
  assert.equal(arena.bytesInUse, 0);
  assert.deepEqual(held(), once);
});

import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { AdminHarness, digest } from './admin-harness.ts';

/** More than one chunk of a snapshot, and some of it the same again and again. */
const TEXT = '{"service":"orders","address":"10.0.0.1"}'.repeat(5000);
const NAMES = ['/a', '/b', '/c'];
/** Whoever says who he is has all rights at the root of an empty tree. */
const ANYBODY = digest('anybody', 'secret');

describe('compressed snapshots', () => {
  for (const method of ['gz', 'snappy'] as const) {
    const harness = new AdminHarness([`snapshot.compression.method=${method}`]);
    after(() => harness.end());

    it(`are written with ${method}, downloaded plain, and started from`, async () => {
      await harness.start();
      const folder = join(harness.dataDir, 'version-2');
      const snapshots = readdirSync(folder).filter((name) => name.startsWith('snapshot'));
      assert.deepEqual(snapshots, [`snapshot.0.${method}`]);
      const writer = await harness.session();
      for (const name of NAMES) assert.equal(await writer.create(name, TEXT), 0);
      writer.end();
      const response = await harness.fetch('/commands/snapshot', { headers: ANYBODY });
      const body = Buffer.from(await response.arrayBuffer());
      assert.equal(response.status, 200, body.toString('latin1', 0, 200));
      assert.equal(body.toString('latin1', 0, 4), 'ZKSN');
      assert.ok(body.length > NAMES.length * TEXT.length);
      await harness.server.stop();
      // The state can come from the snapshot alone.
      for (const name of readdirSync(folder)) if (name.startsWith('log.')) rmSync(join(folder, name));
      await harness.start();
      const reader = await harness.session();
      for (const name of NAMES) assert.equal(await reader.read(name), TEXT);
      reader.end();
    });
  }
});

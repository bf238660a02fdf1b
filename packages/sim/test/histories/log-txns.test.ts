import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { judgeHistory } from '../../src/histories/judge.ts';
import { txnsOfLog } from '../../src/histories/log-txns.ts';

/** Every kind of txn, written by Apache ZooKeeper. */
const LOG = new URL('../../../../testkit/vectors/datadir-alltypes/data/version-2/log.100000001', import.meta.url);

it('the log of a server becomes txns that the model can do, each of them', () => {
  const txns = txnsOfLog(readFileSync(fileURLToPath(LOG)));
  assert.equal(txns[0]?.zxid, 0x100000001);
  assert.ok(txns.length > 10, `${txns.length} txns`);
  const kinds = new Set(txns.map((txn) => txn.do));
  for (const kind of ['createSession', 'create', 'setData', 'delete', 'multi', 'setACL', 'error'] as const) {
    assert.ok(kinds.has(kind), kind);
  }
  assert.deepEqual(judgeHistory([txns]).findings, []);
  // The model notices when one is missing.
  const made = txns.find((txn) => txn.do === 'create');
  assert.notDeepEqual(judgeHistory([txns.filter((txn) => txn !== made)]).findings, []);
});

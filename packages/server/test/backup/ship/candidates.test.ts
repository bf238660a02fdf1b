import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { candidateName, firstCandidate } from '../../../src/backup/duty/candidates.ts';

const anybody = (): boolean => true;

describe('the server that ships', () => {
  it('is an observer before a follower before the leader, then the one with the smallest number', () => {
    assert.equal(firstCandidate(['2-1', '1-10', '1-9', '0-200'], anybody)?.sid, 200);
    assert.equal(firstCandidate(['2-1', '1-10', '1-9'], anybody)?.sid, 9);
    assert.equal(firstCandidate(['2-3'], anybody)?.name, candidateName(2, 3));
  });

  it('is a member: what others put beside counts for nothing', () => {
    const names = ['0-7', '0', '3-1', '1-x', '-1-1', '1-1-1', null, '', '2-2'];
    assert.equal(firstCandidate(names, (sid) => sid !== 7)?.name, '2-2');
    assert.equal(
      firstCandidate(names, () => false),
      null,
    );
    assert.equal(firstCandidate([], anybody), null);
  });
});

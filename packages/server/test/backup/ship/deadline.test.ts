import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { describe, it } from 'node:test';
import { Deadline } from '../../../src/backup/ship/deadline.ts';

describe('a deadline', () => {
  it('is aborted with the signal that it follows, before and afterwards', () => {
    const parent = new AbortController();
    const reason = new Error('the server stops');
    const before = new Deadline(parent.signal, 60_000);
    parent.abort(reason);
    const after = new Deadline(parent.signal, 60_000);
    for (const deadline of [before, after]) {
      assert.equal(deadline.signal.reason, reason);
      assert.equal(deadline.isOver, false);
      deadline.end();
    }
  });

  it('is aborted when the time is over', async () => {
    const deadline = new Deadline(new AbortController().signal, 5);
    // Its timer alone keeps no process alive.
    const alive = setInterval(() => {}, 1000);
    await once(deadline.signal, 'abort');
    clearInterval(alive);
    assert.equal(deadline.isOver, true);
    deadline.end();
  });

  it('leaves nothing behind on the signal that it followed', () => {
    const { signal } = new AbortController();
    const deadline = new Deadline(signal, 60_000);
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    deadline.end();
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    assert.equal(deadline.signal.aborted, false);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualTime } from '@headkeeper/testkit';
import { boundedNotes, boundedReports } from '../../src/adapters/peer/failure-reports.ts';

test('O12: a million failures make twenty reports a minute, and a word on the rest', () => {
  const time = new VirtualTime();
  const reports: string[] = [];
  const failed = boundedReports(time, (error) => reports.push(error.message));
  for (let i = 0; i < 1_000_000; i++) failed(new Error(`${i}`));
  assert.deepEqual(
    reports,
    Array.from({ length: 20 }, (_, i) => `${i}`),
  );
  time.advance(60_000);
  failed(new Error('later'));
  assert.deepEqual(reports.slice(20), ['999980 more failures were not reported', 'later']);
  time.advance(60_000);
  failed(new Error('again'));
  assert.deepEqual(reports.slice(22), ['again']);
});

test('O12: messages are bounded in the same way, by a limit of their own', () => {
  const time = new VirtualTime();
  const notes: string[] = [];
  const note = boundedNotes(time, (message) => notes.push(message), 'words', 3);
  for (let i = 0; i < 1_000; i++) note(`${i}`);
  time.advance(60_000);
  note('later');
  assert.deepEqual(notes, ['0', '1', '2', '997 more words were not reported', 'later']);
});

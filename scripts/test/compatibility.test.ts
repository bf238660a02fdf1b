import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FourLetterWord } from '@headkeeper/protocol';
import { SETTINGS } from '@headkeeper/server/internal';
import { APACHE_COMMANDS, APACHE_WORDS } from '../compatibility/apache-doors.ts';
import { APACHE_KEYS } from '../compatibility/apache-keys.ts';
import { APACHE_METRICS } from '../compatibility/apache-metrics.ts';
import { CLIENT_PROPERTIES, VARIABLES } from '../compatibility/apache-surroundings.ts';
import { judgeKey } from '../compatibility/judge-key.ts';
import * as judgements from '../compatibility/judgements.ts';
import { serverFacts } from '../compatibility/server-facts.ts';
import { compatibilityTables, renderTables } from '../compatibility.ts';

const keys = Object.values(APACHE_KEYS).flat();
const keyNames = keys.map((text) => text.split('=')[0]);

test('every name has one row, and the code or a judgement knows each', async () => {
  const tables = compatibilityTables(await serverFacts());
  const rows = tables.flatMap((table) => table.rows.map((row) => ({ ...row, name: `${table.title}: ${row.name}` })));
  const metrics = Object.values(APACHE_METRICS).flat();
  const names = [keys, VARIABLES, CLIENT_PROPERTIES, APACHE_WORDS, APACHE_COMMANDS, metrics];
  assert.equal(
    rows.length,
    names.reduce((sum, list) => sum + list.length, 0),
  );
  assert.equal(new Set(rows.map((row) => row.name)).size, rows.length, 'no name stands twice');
  assert.deepEqual(
    rows.filter((row) => row.status === 'unknown').map((row) => row.name),
    [],
  );
  for (const { name, status, note } of rows) {
    if (status === 'different' || status === 'not applicable') assert.notEqual(note, '', name);
  }
  assert.ok(rows.filter((row) => row.status === 'supported').length > rows.length / 3);
  const text = renderTables(tables);
  for (const { name } of tables.flatMap((table) => table.rows)) assert.ok(text.includes(`| \`${name}\` |`), name);
});

test("every setting of Apache's and every word of ours stands in the lists", () => {
  const listed = new Set(keyNames);
  const missing = Object.values(SETTINGS).filter(({ key, doc }) => {
    return !listed.has(key) && !doc.startsWith('Ours.') && !/^(backup|log)\./.test(key);
  });
  assert.deepEqual(
    missing.map(({ key }) => key),
    [],
  );
  assert.deepEqual([...APACHE_WORDS].sort(), Object.keys(FourLetterWord).sort());
});

test('what is said of a key follows from the schema', () => {
  assert.deepEqual(judgeKey('tickTime=3000'), { name: 'tickTime', status: 'supported', note: '' });
  assert.equal(judgeKey('tickTime=2000').note, 'By default 3000; on Apache 2000.');
  assert.equal(judgeKey('maxTimeToWaitForEpoch').note, 'as `leader.maxTimeToWaitForEpoch`');
  assert.equal(judgeKey('flushDelay=0').status, 'not applicable');
  assert.equal(judgeKey('nio.numWorkerThreads').status, 'not applicable');
  assert.equal(judgeKey('server.N').status, 'supported');
  assert.equal(judgeKey('colour').status, 'unknown');
});

test('no judgement is left over from a name that is not in the lists', () => {
  const listed: readonly [Readonly<Record<string, unknown>>, readonly string[]][] = [
    [judgements.CLIENT_JUDGEMENTS, CLIENT_PROPERTIES],
    [judgements.VARIABLE_JUDGEMENTS, VARIABLES],
    [judgements.WORD_JUDGEMENTS, APACHE_WORDS],
    [judgements.COMMAND_JUDGEMENTS, APACHE_COMMANDS.map(([name]) => name as string)],
    [judgements.METRIC_JUDGEMENTS, Object.values(APACHE_METRICS).flat()],
  ];
  for (const [judged, names] of listed) {
    for (const name of Object.keys(judged)) assert.ok(names.includes(name), name);
  }
});

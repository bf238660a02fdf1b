import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assembleHistory } from '../../src/histories/assembly.ts';
import { HistoryFormatError, historyText, parseHistory } from '../../src/histories/history-file.ts';
import { judgeHistory } from '../../src/histories/judge.ts';
import { SPOILINGS, spoil } from '../../src/histories/spoil.ts';
import { runSeed } from '../../src/run.ts';

const HEAD = '{"kind":"history","version":1,"source":"test"}\n';
const BASE = '"client":"a","at":1,"session":"0x1"';

describe('the file of a history', () => {
  it('is read as it was written, and leaves out a last line without an end', () => {
    const { history } = runSeed({ seed: 3, minutes: 1, voters: 1 });
    const text = historyText(history);
    assert.deepEqual(parseHistory('f', text), JSON.parse(`[${text.trimEnd().replaceAll('\n', ',')}]`));
    assert.deepEqual(parseHistory('f', `${text}{"kind":"ca`), parseHistory('f', text));
  });

  const refused: readonly (readonly [string, RegExp])[] = [
    ['nonsense', /f:2: is no JSON object/],
    ['{"kind":"cal"}', /f:2: has kind "cal"; known are history, call/],
    [`{"kind":"call",${BASE},"id":1,"do":"setData","in":{"path":"/a","data":"x"}}`, /"setData" has no "version"/],
    [`{"kind":"call",${BASE},"id":1,"do":"put","in":{}}`, /asks for "put", which is not an operation of this kind/],
    [`{"kind":"call",${BASE},"id":1,"do":"put","in":{"value":"x"},"on":"heap:h"}`, /"on" is "heap:h"; it is one of/],
    [`{"kind":"call",${BASE},"id":1,"do":"put","in":{"value":1},"on":"queue:q"}`, /"put" has 1 as "value"/],
    [`{"kind":"return",${BASE},"id":1,"outcome":"fine"}`, /has "fine" as "outcome"/],
    ['{"kind":"event","client":"a","at":1.5,"session":"0x1"}', /has 1.5 as "at"/],
  ];
  for (const [line, why] of refused) {
    it(`is refused with the place and the reason: ${line.slice(0, 90)}`, () => {
      assert.throws(
        () => parseHistory('f', `${HEAD}${line}\n`),
        (error) => error instanceof HistoryFormatError && why.test(error.message),
      );
    });
  }

  it('begins with a line that says what it is', () => {
    assert.throws(() => parseHistory('f', `{"kind":"session",${BASE},"state":"closed"}\n`), /f:1: the first line/);
  });

  it('does not fit together when two files have one client, or a return has no call', () => {
    const line = `{"kind":"session",${BASE},"state":"disconnected"}\n`;
    const file = parseHistory('f', HEAD + line);
    assert.throws(() => assembleHistory([file, file]), /client a is in two files/);
    const lost = parseHistory('f', `${HEAD}{"kind":"return",${BASE},"id":1,"outcome":"ok"}\n`);
    assert.throws(() => assembleHistory([lost]), /belongs to no open call/);
  });
});

describe('spoiled histories', () => {
  it('are found by the fast checks, whatever was spoiled', () => {
    const { history, failure } = runSeed({ seed: 40, minutes: 1, rate: 20, objects: 'every kind' });
    assert.equal(failure, null);
    for (const spoiling of SPOILINGS) {
      const spoiled = spoil(history, spoiling);
      assert.ok(spoiled !== null, `seed 40 has no place for ${spoiling}`);
      assert.notDeepEqual(judgeHistory([spoiled]).findings, [], spoiling);
    }
  });
});

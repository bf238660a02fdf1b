import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../src/limits.ts';
import { dial, serve } from './harness.ts';

/** No machine takes so many lines of an answer that should have ended. */
const FAR_TOO_MANY = 5_000_000;

/** Lines for as long as `goesOn` says. */
function* endless(goesOn: () => boolean): Generator<string> {
  for (let line = 0; goesOn(); line++) {
    if (line > FAR_TOO_MANY) throw new Error('nobody else had a turn');
    yield `line ${line}\n`;
  }
  yield 'end\n';
}

describe('words whose answers are long (CVE-2017-5637)', () => {
  it('let others have their turns in between', async (t) => {
    let others = 0;
    const served = await serve(t, { answer: (word) => (word === 'wchp' ? endless(() => others < 3) : 'imok') });
    const long = (await dial(t, served.port)).read();
    await long.say('wchp');
    await long.hears(1);
    while (others < 3) {
      const peer = (await dial(t, served.port)).read();
      await peer.say('ruok');
      assert.equal((await peer.ended()).toString(), 'imok');
      others++;
    }
    assert.match((await long.ended()).toString(), /^line 0\nline 1\n[\s\S]*\nend\n$/);
  });

  it('are answered one after the other, and beyond a number not at all', async (t) => {
    let isFree = false;
    let underWay = 0;
    let most = 0;
    function* answer(): Generator<string> {
      most = Math.max(most, ++underWay);
      yield* endless(() => !isFree);
      underWay--;
    }
    const served = await serve(t, { answer });
    const first = (await dial(t, served.port)).read();
    await first.say('wchc');
    await first.hears(1);
    const waiting = [];
    for (let i = 1; i < limits.longAnswers; i++) {
      const peer = (await dial(t, served.port)).read();
      await peer.say('wchc');
      waiting.push(peer);
    }
    const refused = (await dial(t, served.port)).read();
    await refused.say('wchc');
    assert.match((await refused.ended()).toString(), /too many answers/);
    isFree = true;
    for (const peer of [first, ...waiting]) assert.match((await peer.ended()).toString(), /end\n$/);
    assert.equal(most, 1);
  });

  it('are given up when nobody takes them, and the next one is answered', async (t) => {
    const served = await serve(t, { answer: (word) => (word === 'wchp' ? endless(() => true) : ['short\n']) });
    const gone = await dial(t, served.port);
    await gone.say('wchp');
    const next = (await dial(t, served.port)).read();
    await next.say('cons');
    gone.socket.destroy();
    assert.equal((await next.ended()).toString(), 'short\n');
  });

  it('are given once to who has said more than the word while he waited', async (t) => {
    let isFree = false;
    let asked = 0;
    const served = await serve(t, {
      answer: (word) => {
        asked++;
        return word === 'wchp' ? endless(() => !isFree) : ['short\n'];
      },
    });
    const first = (await dial(t, served.port)).read();
    await first.say('wchp');
    await first.hears(1);
    const second = (await dial(t, served.port)).read();
    await second.say('cons');
    while (asked < 2) await new Promise((resolve) => setImmediate(resolve));
    for (const more of ['\r', '\n', 'wchp']) await second.say(more);
    const third = (await dial(t, served.port)).read();
    await third.say('cons');
    while (asked < 3) await new Promise((resolve) => setImmediate(resolve));
    isFree = true;
    assert.equal((await second.ended()).toString(), 'short\n');
    assert.equal((await third.ended()).toString(), 'short\n');
    assert.equal(asked, 3);
  });
});

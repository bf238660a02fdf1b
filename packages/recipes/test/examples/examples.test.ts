import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

const folder = path.join(import.meta.dirname, '../../../../../examples');

/** What each example has to say, in this order. */
const said: Readonly<Record<string, readonly RegExp[]>> = {
  'leader-election': [
    /^(ada|ben|cleo) leads, token \d+$/,
    /^\(killing \w+\)$/,
    /leads, token/,
    /^\(killing \w+\)$/,
    /leads, token/,
    /^the last one leads: done$/,
  ],
  'service-discovery': [
    ...Array.from({ length: 3 }, () => /^200 hello from (one|two|three)$/),
    /^\(killing one\)$/,
    ...Array.from({ length: 6 }, () => /^200 hello from (two|three)$/),
    /^the proxy knows that one is gone$/,
  ],
  'live-config': [
    /^the service says: hello$/,
    /^revision 1:$/,
    /^the service says: good morning good morning$/,
    /^revision 2:$/,
    /^the service says: good night$/,
    /^refused: times: has to be a whole number from 1 to 5$/,
    /^revision 3:$/,
    /^the service says: good morning good morning$/,
    /^history: 3 rollback to 1$/,
  ],
  'distributed-cron': [
    ...Array.from({ length: 3 }, () => /^(ada|ben|cleo) has done a tick$/),
    /^\(stopping (ada|ben|cleo) in the middle of its job\)$/,
    ...Array.from({ length: 3 }, () => /^(ada|ben|cleo) has done a tick$/),
    /^(ada|ben|cleo) wakes up and is refused$/,
  ],
};

function run(example: string): Promise<string[]> {
  const script = path.join(folder, example, 'main.js');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [script], { timeout: 60_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trimEnd().split('\n'));
      else reject(new Error(`${example} has failed:\n${stdout}${stderr}`, { cause: error }));
    });
  });
}

describe('the examples', () => {
  it('are all here, each with a page', () => {
    const names = readdirSync(folder).filter((name) => !name.endsWith('.md'));
    assert.deepEqual(names.sort(), Object.keys(said).sort());
    for (const name of names) assert.ok(existsSync(path.join(folder, name, 'README.md')), name);
  });

  for (const [example, lines] of Object.entries(said)) {
    it(`${example} does what its page says`, async () => {
      const output = await run(example);
      let at = 0;
      for (const line of lines) {
        const found = output.findIndex((text, index) => index >= at && line.test(text));
        assert.ok(found >= 0, `no ${line} from line ${at + 1} on:\n${output.join('\n')}`);
        at = found + 1;
      }
      assert.ok(!output.some((text) => text.includes('twice') || text.startsWith('503')), output.join('\n'));
    });
  }
});
